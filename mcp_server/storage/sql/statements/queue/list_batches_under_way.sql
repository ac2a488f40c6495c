SELECT batches.*, rounds.* FROM rounds
JOIN batches ON batches.id = rounds.batch
WHERE (CAST(:owner AS text) IS NULL OR batches.owner = :owner)
AND rounds.state IN ('pending', 'processing', 'paused') AND rounds.state <> 'paused'
ORDER BY rounds.batch
LIMIT :limit
