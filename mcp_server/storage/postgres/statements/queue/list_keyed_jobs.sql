-- The newest jobs whose dedup key lies in one of the ranges [from, to), and no folder deeper.
-- OFFSET 0: each range by its index, or the server goes through all jobs until it has found enough.
SELECT jobs.*, batches.batch_id
FROM json_each(:ranges) AS wanted, LATERAL (
    SELECT * FROM jobs
    WHERE dedup_key >= wanted.value ->> 0 AND dedup_key < wanted.value ->> 1
    OFFSET 0
) AS jobs
LEFT JOIN batches ON batches.id = jobs.batch
WHERE strpos(substr(jobs.dedup_key, length(wanted.value ->> 0) + 1), '/') = 0
AND (CAST(:owner AS text) IS NULL OR jobs.owner = :owner)
ORDER BY jobs.id DESC
LIMIT :limit
