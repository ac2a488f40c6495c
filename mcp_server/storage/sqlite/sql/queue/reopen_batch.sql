UPDATE batches
SET
    state = 'pending', reason = NULL, round = round + 1, terms = :terms, total = :total,
    completed = 0, skipped = 0, failed = 0, cancelled = 0, follow_ups_failed = 0,
    outstanding = :outstanding, stopping = 0, pruned = 0,
    submit_key = CASE WHEN EXISTS (
        SELECT 1 FROM batches AS other
        WHERE other.submit_key = batches.submit_key AND other.id <> batches.id
        AND other.state IN ('pending', 'processing', 'paused') AND other.stopping = 0
    ) THEN NULL ELSE submit_key END,
    started_at = NULL, ended_at = NULL, change = :change
WHERE id = :id
