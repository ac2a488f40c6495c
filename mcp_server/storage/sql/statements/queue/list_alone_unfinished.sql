SELECT jobs.*, NULL AS batch_id FROM jobs
WHERE batch IS NULL AND owner = :owner AND id < :before
AND state IN ('scheduled', 'pending', 'processing', 'paused')
ORDER BY id DESC
LIMIT :limit
