-- An attempt reports its end; zero rows mean that it lost its claim.
UPDATE jobs
SET
    state = :state, attempts = attempts + :counts, due_at = coalesce(:due_at, due_at),
    ended_at = :ended_at, lease_until = NULL, code = :code, reason = :reason, result = :result
WHERE id = :id AND attempt_id = :attempt_id AND state = 'processing'
