-- Ended batches of which jobs may be forgotten (R18), and how far they will be pruned then.
-- Not of those whose jobs have not followed yet: these are not over.
SELECT batch AS id, 1 AS until FROM rounds
WHERE pruned < 2 AND pruned = 0 AND state = 'completed'
AND ended_at < :completed_before AND ended_at >= :ended_before
AND NOT EXISTS (SELECT 1 FROM following WHERE following.batch = rounds.batch)
UNION ALL
SELECT batch AS id, 2 AS until FROM rounds
WHERE pruned < 2 AND pruned IN (0, 1) AND state IN ('completed', 'failed', 'cancelled')
AND ended_at < :ended_before
AND NOT EXISTS (SELECT 1 FROM following WHERE following.batch = rounds.batch)
LIMIT :limit
