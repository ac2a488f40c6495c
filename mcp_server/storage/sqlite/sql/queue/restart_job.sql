-- Taken up again by `retry`.
UPDATE jobs
SET
    state = 'pending', round = :round, attempts = 0, crashes = 0, attempt_id = NULL,
    due_at = :now, started_at = NULL, ended_at = NULL, code = NULL, reason = NULL, result = NULL,
    requires = CASE WHEN counted THEN :requires ELSE requires END
WHERE id = :id
