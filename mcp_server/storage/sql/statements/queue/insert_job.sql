INSERT INTO jobs (
    id, job_id, kind, payload, subject, state, priority, batch, round, counted, owner, interface,
    destination, dedup, dedup_key, requires, max_retries, created_at, due_at
) VALUES (
    :id, :job_id, :kind, :payload, :subject, :state, :priority, :batch, :round, :counted, :owner,
    :interface, :destination, :dedup, :dedup_key, :requires, :max_retries, :now, :due_at
)
