-- Those of these jobs whose batch is still over: it may have been taken up again since.
DELETE FROM jobs
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs))
AND ended_at IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM rounds INDEXED BY rounds_unfinished
    WHERE batch = jobs.batch AND state IN ('pending', 'processing', 'paused')
)
