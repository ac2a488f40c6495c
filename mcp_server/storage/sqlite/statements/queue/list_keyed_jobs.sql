-- The newest jobs whose dedup key lies in one of the ranges [from, to), and no folder deeper.
SELECT jobs.*, batches.batch_id
FROM json_each(:ranges) AS wanted
JOIN jobs
ON jobs.dedup_key >= json_extract(wanted.value, '$[0]')
AND jobs.dedup_key < json_extract(wanted.value, '$[1]')
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.dedup_key IS NOT NULL
AND instr(substr(jobs.dedup_key, length(json_extract(wanted.value, '$[0]')) + 1), '/') = 0
AND (:owner IS NULL OR jobs.owner = :owner)
ORDER BY jobs.id DESC
LIMIT :limit
