-- As `list_record`, of those that were forgotten.
SELECT place, NULL AS job_id, subject, counted, state, round, code, reason FROM record
WHERE batch = :batch AND state IN (SELECT atom FROM json_each(:states))
ORDER BY place
LIMIT :limit OFFSET :after
