UPDATE jobs
SET
    state = 'processing', attempt_id = :attempt_id, worker_id = :worker_id,
    lease_until = :lease_until, started_at = NULL, ended_at = NULL, code = NULL, reason = NULL,
    step_current = NULL, step_total = NULL, step_message = NULL
WHERE id = :id AND state = 'pending'
