-- What failed or was cancelled, of which `retry` takes up what it does.
SELECT id, batch, state, counted, code, dedup, dedup_key, created_at FROM jobs
WHERE id IN (SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:jobs AS jsonb)) AS given (value)) AND state IN ('failed', 'cancelled')
ORDER BY id
