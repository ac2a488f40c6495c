-- Keys that are held: by a job that has not ended, or by a batch whose round has not.
SELECT jobs.dedup_key, batches.id AS batch
FROM json_each(:keys) AS wanted
JOIN jobs ON jobs.dedup_key = wanted.value
LEFT JOIN batches ON batches.id = jobs.batch
WHERE jobs.dedup = 'skip'
AND (
    jobs.state IN ('scheduled', 'pending', 'processing', 'paused')
    OR (batches.state IN ('pending', 'processing', 'paused') AND batches.stopping = 0)
)
AND jobs.batch IS NOT :except_batch
