UPDATE batches
SET state = :state, reason = :reason, ended_at = :ended_at, change = :change
WHERE id = :id
