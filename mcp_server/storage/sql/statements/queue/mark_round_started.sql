UPDATE rounds
SET state = 'processing', started_at = coalesce(started_at, :now), change = :change
WHERE batch = :batch AND number = :number AND state IN ('pending', 'processing')
