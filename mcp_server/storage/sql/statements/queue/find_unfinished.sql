SELECT batches.*, rounds.* FROM rounds
JOIN batches ON batches.id = rounds.batch
WHERE rounds.submit_key = :submit_key
AND rounds.state IN ('pending', 'processing', 'paused') AND rounds.stopping = 0
