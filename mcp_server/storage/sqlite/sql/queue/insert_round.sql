-- The end of a round. The primary key makes a second end impossible.
INSERT INTO rounds (
    batch, number, state, terms, total, completed, skipped, failed, cancelled, started_at,
    ended_at, change
)
SELECT
    id, round, state, terms, total, completed, skipped, failed, cancelled, started_at,
    ended_at, change
FROM batches
WHERE id = :id
