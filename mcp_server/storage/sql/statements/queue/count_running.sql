-- How many jobs of these kinds run. Few jobs run at a time: SQLite is kept from going by the kind.
SELECT kind, count(*) AS jobs FROM jobs INDEXED BY jobs_running
WHERE state = 'processing' AND kind IN (SELECT atom FROM json_each(:kinds))
GROUP BY kind
