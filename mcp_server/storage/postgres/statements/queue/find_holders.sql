-- The jobs that hold keys, but for those of one batch: those that have not ended, and those of a
-- batch whose round has not.
-- For the second, of each key: the oldest open batch, the first one from there on that has the key,
-- the oldest open batch from there on, until it is the same. So neither what is kept of a key is
-- walked over nor all that is under way, but only as much as the lesser of the two.
-- OFFSET 0 keeps the server from reading all jobs, as it expects to look for thousands.
-- Of a key the first is who has it: the job that is yet to be done, or one of the oldest batch.
WITH RECURSIVE look (dedup_key, batch) AS (
    SELECT
        atom,
        (
            SELECT min(batch) FROM rounds
            WHERE state IN ('pending', 'processing', 'paused') AND stopping = 0
            AND batch IS NOT :except_batch
        )
    FROM json_each(:keys)
    UNION
    SELECT
        look.dedup_key,
        (
            SELECT min(batch) FROM rounds
            WHERE state IN ('pending', 'processing', 'paused') AND stopping = 0
            AND batch IS NOT :except_batch
            AND batch >= (
                SELECT min(jobs.batch) FROM jobs
                WHERE jobs.dedup_key = look.dedup_key AND jobs.dedup = 'skip'
                AND jobs.batch >= look.batch
            )
        )
    FROM look
    WHERE look.batch IS NOT NULL
)
SELECT jobs.dedup_key, jobs.job_id, jobs.batch, jobs.id, 0 AS ended
FROM json_each(:keys) AS wanted
JOIN jobs ON jobs.dedup_key = wanted.atom
WHERE jobs.dedup = 'skip' AND jobs.state IN ('scheduled', 'pending', 'processing', 'paused')
AND jobs.batch IS NOT :except_batch
UNION ALL
SELECT jobs.dedup_key, jobs.job_id, jobs.batch, jobs.id, 1 AS ended
FROM look, LATERAL (
    SELECT * FROM jobs
    WHERE dedup_key = look.dedup_key AND dedup = 'skip' AND batch = look.batch
    OFFSET 0
) AS jobs
WHERE jobs.state IN ('completed', 'failed', 'cancelled')
ORDER BY ended, batch, id
