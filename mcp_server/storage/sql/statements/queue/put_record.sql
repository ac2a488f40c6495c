-- Keeps of these jobs what became of them; of those that `prune_jobs` deletes, and no others.
INSERT INTO record (batch, place, subject, counted, state, round, code, reason)
SELECT batch, id, subject, counted, state, round, code, reason FROM jobs
WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs))
AND batch IS NOT NULL
AND ended_at IS NOT NULL
AND NOT EXISTS (
    SELECT 1 FROM rounds INDEXED BY rounds_unfinished
    WHERE batch = jobs.batch AND state IN ('pending', 'processing', 'paused')
)
ON CONFLICT (batch, place) DO UPDATE SET
    subject = excluded.subject, counted = excluded.counted, state = excluded.state,
    round = excluded.round, code = excluded.code, reason = excluded.reason
