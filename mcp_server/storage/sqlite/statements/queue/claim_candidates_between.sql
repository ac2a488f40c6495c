-- As `claim_candidates`, of one priority and between two numbers.
SELECT
    CAST(jobs.priority AS INTEGER) AS priority, jobs.id, CAST(jobs.crashes AS INTEGER) AS crashes,
    CAST(jobs.due_at AS REAL) AS due_at, jobs.batch
FROM jobs
WHERE jobs.state = 'pending'
AND jobs.kind = :kind
AND jobs.requires IS :ability
AND CAST(jobs.crashes AS INTEGER) < :crashes
AND (
    jobs.dedup NOT IN ('coalesce', 'replace')
    OR jobs.dedup_key NOT IN (
        SELECT running.dedup_key FROM jobs AS running INDEXED BY jobs_running
        WHERE running.state = 'processing' AND running.dedup_key IS NOT NULL
    )
)
AND NOT EXISTS (
    SELECT 1 FROM following
    WHERE following.batch = jobs.batch AND following.what IN ('cancel', 'pause')
    AND jobs.counted AND jobs.id > following.after AND jobs.id <= following.until
)
AND jobs.priority = :priority
AND jobs.id > :after AND jobs.id < :before
ORDER BY jobs.id
LIMIT :limit
