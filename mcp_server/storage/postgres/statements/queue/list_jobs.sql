SELECT jobs.*, batches.batch_id
FROM batches
JOIN jobs ON jobs.batch = batches.id
WHERE batches.batch_id = :batch_id
AND (CAST(:states AS text) IS NULL OR jobs.state IN (SELECT value FROM jsonb_array_elements_text(CAST(:states AS jsonb)) AS given (value)))
ORDER BY jobs.id
LIMIT nullif(:limit, -1) OFFSET :after
