SELECT jobs.*, batches.batch_id, batches.terms
FROM jobs
JOIN batches ON batches.id = jobs.batch
WHERE jobs.state = 'processing' AND jobs.batch IN (SELECT value FROM json_each(:batches))
ORDER BY jobs.id
