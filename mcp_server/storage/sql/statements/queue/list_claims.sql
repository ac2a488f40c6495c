SELECT * FROM jobs INDEXED BY jobs_running
WHERE state = 'processing' AND attempt_id IN (SELECT atom FROM json_each(:attempts))
ORDER BY id
