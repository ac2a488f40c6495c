SELECT id, state, counted, CAST(due_at AS REAL) AS due_at FROM jobs WHERE batch = :batch ORDER BY id
