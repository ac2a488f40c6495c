UPDATE jobs
SET
    state = 'processing', attempt_id = :claim || '.' || id, worker_id = :worker_id,
    lease_until = :lease_until,
    started_at = CASE
        WHEN id IN (SELECT CAST(atom AS bigint) FROM json_each(:started))
        THEN CAST(:now AS double precision)
    END,
    ended_at = NULL, code = NULL, reason = NULL,
    step_current = NULL, step_total = NULL, step_message = NULL
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:ids)) AND state = 'pending'
RETURNING
    id, job_id, kind, payload, subject, CAST(priority AS bigint) AS priority, batch, round,
    counted, owner, interface, destination, attempts, CAST(crashes AS bigint) AS crashes,
    max_retries, created_at, due_at, started_at, attempt_id, requires
