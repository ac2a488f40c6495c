UPDATE jobs
SET
    state = 'pending', due_at = :now, code = NULL, reason = NULL, ended_at = NULL,
    requires = CASE WHEN counted THEN :requires ELSE requires END
WHERE batch = :batch AND state = 'paused'
