UPDATE batches SET change = :change WHERE batch_id = :batch_id
