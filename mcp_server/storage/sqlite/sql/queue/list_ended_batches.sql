SELECT * FROM batches
WHERE owner = :owner AND id < :before AND state NOT IN ('pending', 'processing', 'paused')
ORDER BY id DESC
LIMIT :limit
