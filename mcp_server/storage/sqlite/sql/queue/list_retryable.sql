-- What failed or was cancelled, of which `retry` takes up what it does.
SELECT * FROM jobs INDEXED BY jobs_stopped
WHERE batch = :batch AND state IN ('paused', 'failed', 'cancelled') AND state <> 'paused'
ORDER BY id
