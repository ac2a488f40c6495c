-- Who lives renews them at the next heartbeat.
UPDATE jobs SET lease_until = lease_until - :back
WHERE state = 'processing' AND lease_until > :latest
