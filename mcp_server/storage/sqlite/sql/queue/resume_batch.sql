UPDATE batches
SET state = :state, reason = NULL, terms = :terms, change = :change
WHERE id = :id AND state = 'paused'
