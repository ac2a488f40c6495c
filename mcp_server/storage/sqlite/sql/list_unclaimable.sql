SELECT DISTINCT jobs.requires, batches.batch_id
FROM jobs
JOIN batches ON batches.id = jobs.batch
WHERE jobs.state = 'pending'
AND jobs.kind IN (SELECT value FROM json_each(:kinds))
AND jobs.requires IS NOT NULL
AND jobs.requires NOT IN (SELECT value FROM json_each(:abilities))
