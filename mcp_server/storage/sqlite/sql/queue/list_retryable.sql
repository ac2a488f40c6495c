-- What `retry` takes up, less what failed with a code that is left out.
SELECT * FROM jobs INDEXED BY jobs_stopped
WHERE batch = :batch AND state IN ('paused', 'failed', 'cancelled') AND state <> 'paused'
AND NOT (counted = 1 AND code IS NOT NULL AND code IN (SELECT value FROM json_each(:leave_out)))
ORDER BY id
