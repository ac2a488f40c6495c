SELECT * FROM batches
WHERE owner = :owner AND state IN ('pending', 'processing', 'paused') AND state <> 'paused'
ORDER BY id
LIMIT :limit
