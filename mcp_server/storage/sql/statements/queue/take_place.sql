-- As `replace_job`, where the later job is stored already.
UPDATE jobs
SET
    kind = later.kind, payload = later.payload, subject = later.subject,
    priority = later.priority, dedup = later.dedup, requires = later.requires,
    max_retries = later.max_retries, created_at = later.created_at,
    attempts = 0, crashes = 0, code = NULL, reason = NULL
FROM (SELECT * FROM jobs WHERE id = :later) AS later
WHERE jobs.id = :id
