SELECT * FROM jobs
WHERE state = 'processing' AND attempt_id IN (SELECT value FROM jsonb_array_elements_text(CAST(:attempts AS jsonb)) AS given (value))
