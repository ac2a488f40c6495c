UPDATE jobs SET lease_until = :lease_until
WHERE state = 'processing' AND attempt_id IN (SELECT atom FROM json_each(:attempts))
RETURNING attempt_id
