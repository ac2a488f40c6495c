-- The newest jobs whose dedup key lies in one of the ranges [from, to), and no folder deeper.
SELECT jobs.*, batches.batch_id
FROM json_each(:ranges) AS wanted
JOIN jobs
ON jobs.dedup_key >= wanted.value ->> 0
AND jobs.dedup_key < wanted.value ->> 1
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.dedup_key IS NOT NULL
AND substr(jobs.dedup_key, length(wanted.value ->> 0) + 1) NOT LIKE '%/%'
AND (CAST(:owner AS text) IS NULL OR jobs.owner = :owner)
ORDER BY jobs.id DESC
LIMIT :limit
