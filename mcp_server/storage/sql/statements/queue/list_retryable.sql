-- What failed or was cancelled, of which `retry` takes up what it does.
SELECT id, batch, state, counted, code, dedup, dedup_key, created_at FROM jobs
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs)) AND state IN ('failed', 'cancelled')
ORDER BY id
