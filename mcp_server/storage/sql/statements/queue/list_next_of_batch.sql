-- The next jobs of a batch, whatever their states.
SELECT id FROM jobs
WHERE batch = :batch AND id > :after AND id <= :until
ORDER BY id
LIMIT :limit
