SELECT jobs.*, NULL AS batch_id
FROM json_each(:jobs) AS known
JOIN jobs ON jobs.id = known.value
WHERE jobs.batch IS NULL
ORDER BY jobs.id
