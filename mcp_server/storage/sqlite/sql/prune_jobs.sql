-- R18: completed jobs of completed batches; other jobs of a batch long after its end.
DELETE FROM jobs
WHERE id IN (
    SELECT jobs.id FROM batches
    JOIN jobs ON jobs.batch = batches.id
    WHERE batches.ended_at IS NOT NULL
    AND (
        (batches.state = 'completed' AND jobs.state = 'completed'
         AND batches.ended_at < :completed_before)
        OR batches.ended_at < :ended_before
    )
    UNION ALL
    SELECT id FROM jobs WHERE batch IS NULL AND ended_at < :completed_before
    LIMIT :limit
)
