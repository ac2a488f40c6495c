-- The abilities that ready jobs need and are not among these, with the batches of those jobs.
-- From one ability to the next: jobs that this worker can run are not walked past.
WITH RECURSIVE needed (ability) AS (
    SELECT (SELECT min(requires) FROM jobs WHERE requires IS NOT NULL AND state = 'pending')
    UNION ALL
    SELECT (
        SELECT min(jobs.requires) FROM jobs
        WHERE requires IS NOT NULL AND state = 'pending' AND jobs.requires > needed.ability
    )
    FROM needed
    WHERE needed.ability IS NOT NULL
)
SELECT DISTINCT jobs.requires, batches.batch_id
FROM needed
CROSS JOIN jobs INDEXED BY jobs_requiring ON jobs.requires = needed.ability
LEFT JOIN batches ON batches.id = jobs.batch
WHERE needed.ability NOT IN (SELECT atom FROM json_each(:abilities))
AND jobs.requires IS NOT NULL AND jobs.state = 'pending'
AND jobs.kind IN (SELECT atom FROM json_each(:kinds))
-- Nobody needs to come for what was stopped and has not followed yet.
AND NOT EXISTS (
    SELECT 1 FROM following
    WHERE following.batch = jobs.batch AND following.what IN ('cancel', 'pause')
    AND jobs.counted = 1 AND jobs.id > following.after AND jobs.id <= following.until
)
