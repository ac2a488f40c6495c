-- Those of these jobs that wait. What runs was cancelled before, one by one.
UPDATE jobs
SET
    state = 'cancelled', attempt_id = NULL, ended_at = :now, code = 'cancelled', reason = :reason
WHERE id IN (SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:jobs AS jsonb)) AS given (value))
AND counted = 1 AND state IN ('scheduled', 'pending', 'paused')
