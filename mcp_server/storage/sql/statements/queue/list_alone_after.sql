SELECT jobs.*, NULL AS batch_id FROM jobs
WHERE batch IS NULL AND owner = :owner AND id > :after
ORDER BY id
LIMIT :limit
