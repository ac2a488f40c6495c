UPDATE jobs SET state = 'paused'
WHERE id IN (SELECT value FROM json_each(:jobs))
AND counted = 1 AND state IN ('pending', 'scheduled')
