-- Those of these jobs whose batch is still over: it may have been taken up again since.
DELETE FROM jobs
WHERE id IN (SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:jobs AS jsonb)) AS given (value))
AND ended_at IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM rounds
    WHERE batch = jobs.batch AND state IN ('pending', 'processing', 'paused')
)
