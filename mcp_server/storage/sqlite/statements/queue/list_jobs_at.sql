SELECT jobs.*, batches.batch_id
FROM json_each(:jobs) AS known
JOIN jobs ON jobs.id = known.value
LEFT JOIN batches ON batches.id = jobs.batch
ORDER BY jobs.id
