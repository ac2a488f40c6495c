-- These are taken up again by `retry`. One that was cancelled before it was due waits until it is.
UPDATE jobs
SET
    state = CASE WHEN state = 'cancelled' AND due_at > :now THEN 'scheduled' ELSE 'pending' END,
    due_at = CASE state WHEN 'cancelled' THEN max(due_at, :now) ELSE :now END,
    round = :round, attempts = 0, crashes = 0, attempt_id = NULL, started_at = NULL,
    ended_at = NULL, code = NULL, reason = NULL, result = NULL,
    requires = CASE WHEN counted THEN :requires ELSE requires END
WHERE id IN (SELECT value FROM json_each(:jobs))
