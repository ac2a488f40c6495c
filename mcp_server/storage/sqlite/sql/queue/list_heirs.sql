-- The batches that wait for a job and were not given up themselves, the oldest first.
SELECT batches.id FROM awaited
JOIN batches ON batches.id = awaited.batch
WHERE awaited.job = :job AND batches.stopping = 0
ORDER BY batches.id
