-- Those of these jobs that are paused; without `counted`, of them those that a batch does not count.
-- What is not due yet waits until it is.
UPDATE jobs
SET
    state = CASE WHEN due_at > :now THEN 'scheduled' ELSE 'pending' END,
    due_at = max(due_at, :now), code = NULL, reason = NULL, ended_at = NULL,
    requires = CASE WHEN counted THEN :requires ELSE requires END
WHERE id IN (SELECT value FROM json_each(:jobs))
AND state = 'paused' AND (counted = 0 OR :counted)
