SELECT batches.*, rounds.* FROM rounds
JOIN batches ON batches.id = rounds.batch
WHERE (CAST(:owner AS text) IS NULL OR batches.owner = :owner) AND rounds.batch < :before
AND rounds.state IN ('pending', 'processing', 'paused')
ORDER BY rounds.batch DESC
LIMIT :limit
