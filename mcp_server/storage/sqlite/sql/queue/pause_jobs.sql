UPDATE jobs SET state = 'paused'
WHERE batch = :batch AND counted = 1 AND state IN ('pending', 'scheduled')
