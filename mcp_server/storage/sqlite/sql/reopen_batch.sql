UPDATE batches
SET
    state = 'pending', reason = NULL, round = round + 1, terms = :terms, total = :total,
    completed = 0, skipped = 0, failed = 0, cancelled = 0, follow_ups_failed = 0,
    outstanding = :outstanding, stopping = 0, started_at = NULL, ended_at = NULL, change = :change
WHERE id = :id
