UPDATE batches SET round = round + 1 WHERE id = :id
