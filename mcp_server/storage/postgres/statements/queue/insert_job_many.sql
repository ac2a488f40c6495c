-- One statement for any number of jobs: one for each takes ten times as long.
INSERT INTO jobs (
    id, job_id, kind, payload, subject, state, priority, batch, round, counted, owner, interface,
    destination, dedup, dedup_key, requires, max_retries, created_at, due_at
)
SELECT
    id, job_id, kind, payload, subject, state, priority, batch, round, counted, owner, interface,
    destination, dedup, dedup_key, requires, max_retries, now, due_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given (
    id bigint, job_id text, kind text, payload text, subject text, state text, priority bigint,
    batch bigint, round bigint, counted bigint, owner text, interface text, destination text,
    dedup text, dedup_key text, requires text, max_retries bigint, now double precision,
    due_at double precision
)
