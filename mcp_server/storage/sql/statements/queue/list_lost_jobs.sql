-- Attempts whose lease ran out, or (to whoever holds the worker's lock) all attempts of others.
SELECT * FROM jobs
WHERE state = 'processing'
AND (
    lease_until < :now
    OR (CAST(:except_worker AS text) IS NOT NULL AND worker_id IS NOT :except_worker)
)
ORDER BY lease_until, id
LIMIT :limit
