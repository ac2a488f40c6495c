SELECT jobs.id, jobs.state
FROM json_each(:jobs) AS known
JOIN jobs ON jobs.id = CAST(known.atom AS bigint)
