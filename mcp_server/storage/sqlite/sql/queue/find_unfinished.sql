SELECT * FROM batches
WHERE submit_key = :submit_key AND state IN ('pending', 'processing', 'paused') AND stopping = 0
