-- These are taken up again by `retry`. One that was cancelled before it was due waits until it is.
UPDATE jobs
SET
    state = CASE WHEN state = 'cancelled' AND due_at > :now THEN 'scheduled' ELSE 'pending' END,
    due_at = CASE WHEN state = 'cancelled' AND due_at > :now THEN due_at ELSE :now END,
    round = :round, attempts = 0, crashes = 0, attempt_id = NULL, started_at = NULL,
    ended_at = NULL, code = NULL, reason = NULL, result = NULL,
    requires = CASE WHEN counted = 1 THEN :requires ELSE requires END
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs))
