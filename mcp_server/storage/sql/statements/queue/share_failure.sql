-- A job failed that this batch waited for: it gets its own, to show and for `retry`.
INSERT INTO jobs (
    id, job_id, kind, payload, subject, state, priority, batch, round, counted, owner, interface,
    destination, dedup, dedup_key, requires, max_retries, attempts, crashes, created_at, due_at,
    started_at, ended_at, code, reason
)
SELECT
    :id, :job_id, jobs.kind, jobs.payload, jobs.subject, jobs.state,
    jobs.priority, batches.id, batches.round, 0, batches.owner, batches.interface,
    batches.destination, jobs.dedup, jobs.dedup_key, jobs.requires, jobs.max_retries,
    jobs.attempts, jobs.crashes, jobs.created_at, jobs.due_at, jobs.started_at, jobs.ended_at,
    jobs.code, jobs.reason
FROM jobs, batches
WHERE jobs.id = :job AND batches.id = :batch
