-- Attempts whose lease ran out, or (to whoever holds the worker's lock) all attempts of others.
SELECT * FROM jobs
WHERE state = 'processing'
AND (lease_until < :now OR (:except_worker IS NOT NULL AND worker_id IS NOT :except_worker))
ORDER BY lease_until
LIMIT :limit
