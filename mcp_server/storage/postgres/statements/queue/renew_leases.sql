UPDATE jobs SET lease_until = :lease_until
WHERE state = 'processing' AND attempt_id IN (SELECT value FROM jsonb_array_elements_text(CAST(:attempts AS jsonb)) AS given (value))
RETURNING attempt_id
