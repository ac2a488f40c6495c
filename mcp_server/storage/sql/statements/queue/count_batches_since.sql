-- How many of these batches there are of each kind, and what they have done in those rounds.
WITH changed (batch, done) AS (
    SELECT batch, completed - skipped FROM rounds WHERE ended_at >= :since
    UNION ALL
    SELECT batch, completed - skipped FROM rounds
    WHERE batch > 0 AND state IN ('pending', 'processing', 'paused')
)
SELECT batches.kind, count(DISTINCT batches.id) AS batches, sum(changed.done) AS done
FROM changed
JOIN batches ON batches.id = changed.batch
WHERE (CAST(:owner AS text) IS NULL OR batches.owner = :owner)
AND (CAST(:ids AS text) IS NULL OR batches.batch_id IN (SELECT atom FROM json_each(:ids)))
GROUP BY batches.kind
ORDER BY min(batches.id)
