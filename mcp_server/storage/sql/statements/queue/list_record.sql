-- What became of the jobs of a batch, of those that are there and those that were forgotten.
SELECT id AS place, job_id, subject, counted, state, round, code, reason FROM jobs
WHERE batch = :batch AND state IN (SELECT atom FROM json_each(:states))
UNION ALL
SELECT place, NULL, subject, counted, state, round, code, reason FROM record
WHERE batch = :batch AND state IN (SELECT atom FROM json_each(:states))
ORDER BY place
LIMIT :limit OFFSET :after
