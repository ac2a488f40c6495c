-- The unfinished job that a job of this key, outside any batch, would repeat.
SELECT jobs.job_id FROM jobs
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.dedup_key = :dedup_key
AND jobs.dedup = 'skip'
AND (
    jobs.state IN ('scheduled', 'pending', 'processing', 'paused')
    OR (batches.state IN ('pending', 'processing', 'paused') AND batches.stopping = 0)
)
LIMIT 1
