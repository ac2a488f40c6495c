-- Those that were claimed ahead have not started. Few jobs run at a time, and a batch has many:
-- SQLite is kept from going by the batch, or the id.
SELECT jobs.*, batches.batch_id
FROM jobs INDEXED BY jobs_running
JOIN batches ON batches.id = jobs.batch
WHERE jobs.state = 'processing' AND jobs.started_at IS NOT NULL
AND jobs.batch IN (SELECT CAST(atom AS bigint) FROM json_each(:batches))
ORDER BY jobs.id
