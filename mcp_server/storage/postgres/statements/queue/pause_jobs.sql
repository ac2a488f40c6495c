UPDATE jobs SET state = 'paused'
WHERE id IN (SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:jobs AS jsonb)) AS given (value))
AND counted = 1 AND state IN ('pending', 'scheduled')
