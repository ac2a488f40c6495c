SELECT * FROM jobs
WHERE state = 'processing' AND attempt_id IN (SELECT value FROM json_each(:attempts))
