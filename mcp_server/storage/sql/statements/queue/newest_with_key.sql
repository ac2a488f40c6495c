SELECT jobs.*, batches.batch_id FROM jobs
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.dedup_key = :dedup_key
ORDER BY jobs.id DESC
LIMIT 1
