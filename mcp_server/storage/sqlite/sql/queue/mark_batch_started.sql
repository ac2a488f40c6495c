UPDATE batches
SET state = 'processing', started_at = coalesce(started_at, :now), change = :change
WHERE id = :id AND state IN ('pending', 'processing')
