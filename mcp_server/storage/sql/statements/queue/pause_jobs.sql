UPDATE jobs SET state = 'paused'
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs))
AND counted = 1 AND state IN ('pending', 'scheduled')
