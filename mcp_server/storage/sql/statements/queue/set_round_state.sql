UPDATE rounds
SET state = :state, reason = :reason, ended_at = :ended_at, change = :change
WHERE batch = :batch AND number = (SELECT round FROM batches WHERE id = :batch)
