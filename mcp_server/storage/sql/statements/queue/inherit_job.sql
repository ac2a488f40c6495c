-- A job was cancelled that this batch waits for: it gets one of its own, which does the same.
INSERT INTO jobs (
    id, job_id, kind, payload, subject, state, priority, batch, round, counted, owner, interface,
    destination, dedup, dedup_key, requires, max_retries, created_at, due_at
)
SELECT
    :id, :job_id, jobs.kind, jobs.payload, jobs.subject,
    CASE WHEN jobs.due_at > :now THEN 'scheduled' ELSE 'pending' END,
    jobs.priority, batches.id, batches.round, 0, batches.owner, batches.interface,
    batches.destination, jobs.dedup, jobs.dedup_key, jobs.requires, jobs.max_retries,
    jobs.created_at, jobs.due_at
FROM jobs, batches
WHERE jobs.id = :job AND batches.id = :batch
