SELECT * FROM batches
WHERE owner = :owner AND id < :before
ORDER BY id DESC
LIMIT :limit
