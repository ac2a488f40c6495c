SELECT jobs.*, batches.batch_id
FROM jsonb_array_elements_text(CAST(:jobs AS jsonb)) AS known (value)
JOIN jobs ON jobs.id = CAST(known.value AS bigint)
LEFT JOIN batches ON batches.id = jobs.batch
ORDER BY jobs.id
