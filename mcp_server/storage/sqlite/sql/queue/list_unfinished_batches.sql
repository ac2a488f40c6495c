SELECT * FROM batches
WHERE owner = :owner AND id < :before AND state IN ('pending', 'processing', 'paused')
ORDER BY id DESC
LIMIT :limit
