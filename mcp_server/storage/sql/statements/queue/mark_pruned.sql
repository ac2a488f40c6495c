UPDATE rounds SET pruned = :until
WHERE (batch, number) IN (
    SELECT id, round FROM batches WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:batches))
)
AND ended_at IS NOT NULL
