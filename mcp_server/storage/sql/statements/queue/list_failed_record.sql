-- As `list_record`, of the failed ones.
SELECT id AS place, job_id, subject, counted, state, round, code, reason
FROM jobs INDEXED BY jobs_stopped
WHERE batch = :batch AND state IN ('paused', 'failed', 'cancelled') AND state = 'failed'
UNION ALL
SELECT place, NULL, subject, counted, state, round, code, reason
FROM record INDEXED BY record_failed
WHERE batch = :batch AND state = 'failed'
ORDER BY place
LIMIT :limit OFFSET :after
