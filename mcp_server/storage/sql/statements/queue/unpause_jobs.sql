-- Those of these jobs that are paused; without `counted`, of them those that a batch does not count.
-- What is not due yet waits until it is.
UPDATE jobs
SET
    state = CASE WHEN due_at > :now THEN 'scheduled' ELSE 'pending' END,
    due_at = CASE WHEN due_at > :now THEN due_at ELSE :now END,
    code = NULL, reason = NULL, ended_at = NULL,
    requires = CASE WHEN counted = 1 THEN :requires ELSE requires END
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs))
AND state = 'paused' AND (counted = 0 OR :counted = 1)
