-- Batches of which a round has ended since a time, or is under way; of these ids only, if any are given.
WITH changed (batch) AS (
    SELECT batch FROM rounds WHERE ended_at >= :since
    UNION
    SELECT batch FROM rounds
    WHERE batch > 0 AND state IN ('pending', 'processing', 'paused')
)
SELECT batches.*, rounds.* FROM changed
JOIN batches ON batches.id = changed.batch
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
WHERE (CAST(:owner AS text) IS NULL OR batches.owner = :owner) AND batches.id < :before
AND (CAST(:ids AS text) IS NULL OR batches.batch_id IN (SELECT atom FROM json_each(:ids)))
ORDER BY batches.id DESC
LIMIT :limit
