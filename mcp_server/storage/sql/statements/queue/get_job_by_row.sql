SELECT jobs.*, batches.batch_id FROM jobs
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.id = :id
