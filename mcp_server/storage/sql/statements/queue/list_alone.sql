SELECT jobs.*, NULL AS batch_id FROM jobs
WHERE batch IS NULL AND owner = :owner AND id < :before AND ended_at IS NOT NULL
ORDER BY id DESC
LIMIT :limit
