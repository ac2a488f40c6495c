-- Ready jobs of one kind this worker can run. Of a key that is coalesced or
-- replaced at most one runs at a time.
SELECT jobs.priority, jobs.id, jobs.crashes FROM jobs
WHERE jobs.state = 'pending'
AND jobs.kind = :kind
AND (jobs.requires IS NULL OR jobs.requires IN (SELECT value FROM json_each(:abilities)))
AND (
    jobs.dedup NOT IN ('coalesce', 'replace')
    OR NOT EXISTS (
        SELECT 1 FROM jobs AS running
        WHERE running.dedup_key = jobs.dedup_key AND running.state = 'processing'
    )
)
ORDER BY jobs.priority DESC, jobs.id
LIMIT :limit
