-- What is over stays as it is: its end was told.
UPDATE batches SET change = :change
WHERE batch_id = :batch_id AND state IN ('pending', 'processing', 'paused')
