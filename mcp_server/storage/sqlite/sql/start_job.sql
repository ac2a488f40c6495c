UPDATE jobs SET started_at = :now
WHERE job_id = :job_id AND attempt_id = :attempt_id AND state = 'processing'
