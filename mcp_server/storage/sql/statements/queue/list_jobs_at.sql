SELECT jobs.*, batches.batch_id
FROM json_each(:jobs) AS known
JOIN jobs ON jobs.id = CAST(known.atom AS bigint)
LEFT JOIN batches ON batches.id = jobs.batch
ORDER BY jobs.id
