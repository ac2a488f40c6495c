-- As `set_back_due`, of what `retry` will put off again.
UPDATE jobs SET due_at = CASE WHEN due_at - :back > :now THEN due_at - :back ELSE :now END
WHERE state IN ('paused', 'failed', 'cancelled') AND state = 'paused'
AND due_at > :now AND (created_at > :now OR ended_at > :now)
