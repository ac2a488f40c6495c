-- Those of these keys that jobs of the batch have which `retry` has taken up already.
SELECT DISTINCT jobs.dedup_key
FROM json_each(:keys) AS wanted
JOIN jobs INDEXED BY jobs_key ON jobs.dedup_key = wanted.atom
WHERE jobs.dedup = 'skip' AND jobs.batch = :batch AND jobs.round = :round
