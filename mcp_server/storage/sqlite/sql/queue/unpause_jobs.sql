-- What is not due yet waits until it is.
UPDATE jobs
SET
    state = CASE WHEN due_at > :now THEN 'scheduled' ELSE 'pending' END,
    due_at = max(due_at, :now), code = NULL, reason = NULL, ended_at = NULL
WHERE batch = :batch AND state = 'paused'
