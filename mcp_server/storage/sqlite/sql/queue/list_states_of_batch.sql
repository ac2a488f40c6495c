SELECT id, state, counted, due_at FROM jobs WHERE batch = :batch ORDER BY id
