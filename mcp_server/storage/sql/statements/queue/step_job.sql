UPDATE jobs SET step_current = :current, step_total = :total, step_message = :message
WHERE id = :id AND attempt_id = :attempt_id AND state = 'processing'
