SELECT id FROM jobs
WHERE batch IS NULL AND owner = :owner
AND state IN ('scheduled', 'pending', 'processing', 'paused')
ORDER BY id
