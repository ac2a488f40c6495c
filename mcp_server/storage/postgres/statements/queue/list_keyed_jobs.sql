-- The newest jobs whose dedup key lies in one of the ranges [from, to), and no folder deeper.
SELECT jobs.*, batches.batch_id
FROM jsonb_array_elements(CAST(:ranges AS jsonb)) AS wanted (value)
JOIN jobs
ON jobs.dedup_key >= (wanted.value ->> 0)
AND jobs.dedup_key < (wanted.value ->> 1)
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.dedup_key IS NOT NULL
AND strpos(substr(jobs.dedup_key, length(wanted.value ->> 0) + 1), '/') = 0
AND (CAST(:owner AS text) IS NULL OR jobs.owner = :owner)
ORDER BY jobs.id DESC
LIMIT nullif(:limit, -1)
