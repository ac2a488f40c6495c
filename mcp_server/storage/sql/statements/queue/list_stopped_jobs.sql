-- As `list_jobs`, of one of the states that `jobs_stopped` holds.
SELECT jobs.*, batches.batch_id
FROM batches
JOIN jobs INDEXED BY jobs_stopped ON jobs.batch = batches.id
WHERE batches.batch_id = :batch_id
AND jobs.state IN ('paused', 'failed', 'cancelled')
AND jobs.state = :state
ORDER BY jobs.id
LIMIT :limit OFFSET :after
