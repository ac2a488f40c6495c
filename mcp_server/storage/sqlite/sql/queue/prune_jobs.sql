-- Those of these jobs whose batch is still over: it may have been taken up again since.
DELETE FROM jobs
WHERE id IN (SELECT value FROM json_each(:jobs))
AND ended_at IS NOT NULL
AND (
    batch IS NULL
    OR EXISTS (SELECT 1 FROM batches WHERE id = jobs.batch AND ended_at IS NOT NULL)
)
