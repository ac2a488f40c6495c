UPDATE jobs
SET
    state = 'processing', attempt_id = :claim || '.' || id, worker_id = :worker_id,
    lease_until = :lease_until,
    started_at = CASE WHEN id IN (SELECT value FROM json_each(:started)) THEN :now END,
    ended_at = NULL, code = NULL, reason = NULL,
    step_current = NULL, step_total = NULL, step_message = NULL
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'pending'
RETURNING
    id, job_id, kind, payload, subject, CAST(priority AS INTEGER) AS priority, batch, round,
    counted, owner, interface, destination, attempts, CAST(crashes AS INTEGER) AS crashes,
    max_retries, created_at, due_at, started_at, attempt_id, requires
