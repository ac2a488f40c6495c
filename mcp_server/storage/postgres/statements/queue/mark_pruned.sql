UPDATE rounds SET pruned = :until
WHERE (batch, number) IN (
    SELECT id, round FROM batches WHERE id IN (SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:batches AS jsonb)) AS given (value))
)
AND ended_at IS NOT NULL
