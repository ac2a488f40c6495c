-- What became of the jobs of a batch, of those that are there and those that were forgotten.
SELECT id AS place, job_id, subject, counted, state, round, code, reason FROM jobs
WHERE batch = :batch AND state IN (SELECT value FROM jsonb_array_elements_text(CAST(:states AS jsonb)) AS given (value))
UNION ALL
SELECT place, NULL, subject, counted, state, round, code, reason FROM record
WHERE batch = :batch AND state IN (SELECT value FROM jsonb_array_elements_text(CAST(:states AS jsonb)) AS given (value))
ORDER BY place
LIMIT nullif(:limit, -1) OFFSET :after
