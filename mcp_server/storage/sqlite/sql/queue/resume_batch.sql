UPDATE batches
SET
    state = CASE WHEN started_at IS NULL THEN 'pending' ELSE 'processing' END,
    reason = NULL, terms = :terms, change = :change
WHERE id = :id AND state = 'paused'
