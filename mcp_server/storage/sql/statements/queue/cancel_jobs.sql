-- Those of these jobs that wait. What runs was cancelled before, one by one.
UPDATE jobs
SET
    state = 'cancelled', attempt_id = NULL, ended_at = :now, code = 'cancelled', reason = :reason
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs))
AND counted = 1 AND state IN ('scheduled', 'pending', 'paused')
