SELECT jobs.*, NULL AS batch_id FROM jobs
WHERE batch IS NULL AND owner = :owner
AND state IN ('scheduled', 'pending', 'processing', 'paused') AND state <> 'paused'
ORDER BY id
LIMIT :limit
