-- What is over stays as it is: its end was told.
UPDATE rounds SET change = :change
WHERE (batch, number) = (SELECT id, round FROM batches WHERE batch_id = :batch_id)
AND state IN ('pending', 'processing', 'paused')
