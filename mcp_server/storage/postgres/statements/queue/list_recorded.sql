-- As `list_record`, of those that were forgotten.
SELECT place, NULL AS job_id, subject, counted, state, round, code, reason FROM record
WHERE batch = :batch AND state IN (SELECT value FROM jsonb_array_elements_text(CAST(:states AS jsonb)) AS given (value))
ORDER BY place
LIMIT nullif(:limit, -1) OFFSET :after
