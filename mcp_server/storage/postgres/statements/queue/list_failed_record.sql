-- As `list_record`, of the failed ones.
SELECT id AS place, job_id, subject, counted, state, round, code, reason
FROM jobs
WHERE batch = :batch AND state IN ('paused', 'failed', 'cancelled') AND state = 'failed'
UNION ALL
SELECT place, NULL, subject, counted, state, round, code, reason
FROM record
WHERE batch = :batch AND state = 'failed'
ORDER BY place
LIMIT nullif(:limit, -1) OFFSET :after
