UPDATE batches SET change = :change WHERE id = :id
