SELECT attempt_id FROM jobs
WHERE state = 'processing' AND attempt_id IN (SELECT atom FROM json_each(:attempts))
