UPDATE jobs INDEXED BY jobs_running SET started_at = :at
WHERE state = 'processing' AND attempt_id = :attempt_id AND started_at IS NULL
