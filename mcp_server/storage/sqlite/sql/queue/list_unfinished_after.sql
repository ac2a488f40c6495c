-- Batches that were under way at a certain change, from a row on.
SELECT * FROM batches
WHERE id > :after AND change <= :change AND state IN ('pending', 'processing', 'paused')
ORDER BY id
LIMIT :limit
