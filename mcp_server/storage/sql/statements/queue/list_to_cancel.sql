-- Of a batch that is cancelled, the jobs that are not only written down: those that run, and those
-- that share a key for whose job another batch waits. (What runs is few, and so is what is awaited.)
SELECT id, batch, state, counted, dedup, dedup_key, created_at
FROM jobs INDEXED BY jobs_running
WHERE state = 'processing' AND counted = 1
AND batch = (SELECT id FROM batches WHERE batch_id = :batch_id)
UNION ALL
SELECT
    jobs.id, jobs.batch, jobs.state, jobs.counted, jobs.dedup, jobs.dedup_key, jobs.created_at
FROM (
    SELECT DISTINCT own.dedup_key
    FROM awaited
    CROSS JOIN jobs AS own ON own.id = awaited.job
    WHERE own.batch = (SELECT id FROM batches WHERE batch_id = :batch_id)
) AS shared
CROSS JOIN jobs INDEXED BY jobs_waiting ON jobs.dedup_key = shared.dedup_key
WHERE jobs.dedup IN ('coalesce', 'replace') AND jobs.state IN ('scheduled', 'pending', 'paused')
AND jobs.batch = (SELECT id FROM batches WHERE batch_id = :batch_id) AND jobs.counted = 1
ORDER BY 1
