UPDATE jobs SET step_current = :current, step_total = :total, step_message = :message
WHERE job_id = :job_id AND attempt_id = :attempt_id AND state = 'processing'
RETURNING batch
