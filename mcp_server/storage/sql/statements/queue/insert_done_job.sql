-- A job that the transaction which submits it has done itself: no attempt ever claims it.
INSERT INTO jobs (
    id, job_id, kind, payload, subject, state, priority, batch, round, counted, owner, interface,
    destination, dedup, dedup_key, requires, max_retries, created_at, due_at,
    attempts, started_at, ended_at, result
) VALUES (
    :id, :job_id, :kind, :payload, :subject, 'completed', :priority, :batch, 1, 1, :owner,
    :interface, :destination, :dedup, :dedup_key, NULL, :max_retries, :now, :now,
    1, :now, :now, :result
)
