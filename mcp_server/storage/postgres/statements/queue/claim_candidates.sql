-- Ready jobs of one kind that need one ability, or none (NULL). Of a key that is coalesced or
-- replaced at most one runs at a time; what runs is few, what is kept of a key may be many.
-- What somebody else has written into a number's place counts as zero, or it would stop the queue.
-- Those of a batch that was cancelled or paused are passed by, though they have not followed yet.
SELECT
    CAST(jobs.priority AS bigint) AS priority, jobs.id, CAST(jobs.crashes AS bigint) AS crashes,
    CAST(jobs.due_at AS double precision) AS due_at, jobs.batch
FROM jobs
WHERE jobs.state = 'pending'
AND jobs.kind = :kind
AND coalesce(jobs.requires, '') = coalesce(:ability, '')
AND CAST(jobs.crashes AS bigint) < :crashes
AND (
    jobs.dedup NOT IN ('coalesce', 'replace')
    OR jobs.dedup_key NOT IN (
        SELECT running.dedup_key FROM jobs AS running
        WHERE running.state = 'processing' AND running.dedup_key IS NOT NULL
    )
)
AND NOT EXISTS (
    SELECT 1 FROM following
    WHERE following.batch = jobs.batch AND following.what IN ('cancel', 'pause')
    AND jobs.counted = 1 AND jobs.id > following.after AND jobs.id <= following.until
)
ORDER BY jobs.priority DESC, jobs.id
LIMIT :limit
