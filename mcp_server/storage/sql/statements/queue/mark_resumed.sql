-- What runs was begun before its batch was resumed; what it counts of that may come back, and needs
-- what the round needs from now on.
UPDATE jobs INDEXED BY jobs_running
SET code = :code, requires = CASE WHEN counted = 1 THEN :requires ELSE requires END
WHERE state = 'processing' AND batch = :batch
