-- The job that waits under a key of which at most one may.
SELECT jobs.*, batches.batch_id
FROM jobs INDEXED BY jobs_waiting
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.dedup_key = :dedup_key
AND jobs.dedup IN ('coalesce', 'replace')
AND jobs.state IN ('scheduled', 'pending', 'paused')
AND jobs.id <> :except_id
