-- Batches that were under way at a certain change, from a row on.
SELECT batches.*, rounds.* FROM rounds
JOIN batches ON batches.id = rounds.batch
WHERE rounds.batch > :after AND rounds.change <= :change
AND rounds.state IN ('pending', 'processing', 'paused')
ORDER BY rounds.batch
LIMIT :limit
