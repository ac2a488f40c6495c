-- Rounds of these batches that have ended since, and that another round has followed.
SELECT
    batches.id, batches.batch_id, batches.kind, batches.owner, batches.interface,
    batches.destination, batches.details, batches.created_at,
    rounds.number AS round, rounds.state, rounds.reason, rounds.terms, rounds.total,
    rounds.completed, rounds.skipped, rounds.failed, rounds.cancelled, rounds.started_at,
    rounds.ended_at, rounds.change, 0 AS pruned
FROM json_each(:batches) AS wanted
JOIN batches ON batches.id = CAST(wanted.atom AS bigint)
JOIN rounds ON rounds.batch = batches.id AND rounds.number < batches.round
WHERE rounds.change > :change
ORDER BY rounds.change
