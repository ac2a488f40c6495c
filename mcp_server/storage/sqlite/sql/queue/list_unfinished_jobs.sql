SELECT * FROM jobs
WHERE batch = :batch AND counted = 1 AND state IN ('scheduled', 'pending', 'processing', 'paused')
ORDER BY id
