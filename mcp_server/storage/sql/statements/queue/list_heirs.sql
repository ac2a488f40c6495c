-- The batches that wait for a job and were not given up themselves, the oldest first.
SELECT batches.id FROM awaited
JOIN batches ON batches.id = awaited.batch
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
WHERE awaited.job = :job AND rounds.stopping = 0
ORDER BY batches.id
