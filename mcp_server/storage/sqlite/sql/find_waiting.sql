-- The job that waits under a key which is coalesced.
SELECT id FROM jobs
WHERE dedup_key = :dedup_key AND dedup = 'coalesce' AND state IN ('scheduled', 'pending', 'paused')
AND id <> :except_id
