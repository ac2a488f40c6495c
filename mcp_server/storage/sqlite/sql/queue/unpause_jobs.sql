UPDATE jobs
SET
    state = 'pending', due_at = :now, code = NULL, reason = NULL, ended_at = NULL
WHERE batch = :batch AND state = 'paused'
