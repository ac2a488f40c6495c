SELECT * FROM jobs
WHERE batch = :batch AND state IN ('failed', 'cancelled')
AND job_id NOT IN (SELECT value FROM json_each(:leave_out))
ORDER BY id
