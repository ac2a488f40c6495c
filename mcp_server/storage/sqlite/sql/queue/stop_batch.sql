UPDATE batches SET stopping = 1, reason = :reason, change = :change WHERE id = :id
