SELECT id, state, counted, CAST(due_at AS double precision) AS due_at
FROM jobs WHERE batch = :batch ORDER BY id
