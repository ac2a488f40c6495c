-- Keeps of these jobs what became of them; of those that `prune_jobs` deletes, and no others.
INSERT OR REPLACE INTO record (batch, place, subject, counted, state, round, code, reason)
SELECT batch, id, subject, counted, state, round, code, reason FROM jobs
WHERE id IN (SELECT value FROM json_each(:jobs))
AND batch IS NOT NULL
AND ended_at IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM rounds INDEXED BY rounds_unfinished
    WHERE batch = jobs.batch AND state IN ('pending', 'processing', 'paused')
)
