SELECT jobs.*, batches.batch_id
FROM batches
JOIN jobs ON jobs.batch = batches.id
WHERE batches.batch_id = :batch_id
AND (CAST(:states AS text) IS NULL OR jobs.state IN (SELECT atom FROM json_each(:states)))
ORDER BY jobs.id
LIMIT :limit OFFSET :after
