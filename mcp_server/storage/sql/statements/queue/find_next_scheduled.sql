-- The job of a batch that is due next and says why it was put off, if it is among the next of all.
SELECT soon.*, batches.batch_id
FROM (
    SELECT * FROM jobs INDEXED BY jobs_scheduled
    WHERE state = 'scheduled'
    ORDER BY due_at, id
    LIMIT :first
) AS soon
JOIN batches ON batches.id = soon.batch
WHERE soon.batch = :batch AND soon.reason IS NOT NULL
ORDER BY soon.due_at
LIMIT 1
