SELECT batches.*, rounds.* FROM rounds
JOIN batches ON batches.id = rounds.batch AND batches.round = rounds.number
WHERE rounds.change > :change
ORDER BY rounds.change
LIMIT :limit
