-- Counted jobs of a batch that wait, and came in after a certain one.
SELECT id, batch, state, counted, dedup, dedup_key, created_at FROM jobs
WHERE batch = :batch AND id > :after
AND counted = 1 AND state IN ('scheduled', 'pending', 'paused')
ORDER BY id
