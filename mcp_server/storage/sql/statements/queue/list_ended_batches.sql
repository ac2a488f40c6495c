SELECT batches.*, rounds.* FROM batches
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
WHERE (CAST(:owner AS text) IS NULL OR batches.owner = :owner) AND batches.id < :before
AND rounds.state NOT IN ('pending', 'processing', 'paused')
ORDER BY batches.id DESC
LIMIT :limit
