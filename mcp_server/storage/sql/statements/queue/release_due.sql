-- Those of a batch that was cancelled or paused stay: they will follow.
UPDATE jobs SET state = 'pending'
WHERE id IN (
    SELECT id FROM jobs
    WHERE state = 'scheduled' AND due_at <= :now
    AND NOT EXISTS (
        SELECT 1 FROM following
        WHERE following.batch = jobs.batch AND following.what IN ('cancel', 'pause')
        AND jobs.counted = 1 AND jobs.id > following.after AND jobs.id <= following.until
    )
    ORDER BY due_at, id
    LIMIT :limit
)
