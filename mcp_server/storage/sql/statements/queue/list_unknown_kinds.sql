-- The kinds of ready jobs that are not among these, from one kind to the next.
WITH RECURSIVE ready (kind) AS (
    SELECT (SELECT min(kind) FROM jobs WHERE state = 'pending')
    UNION ALL
    SELECT (SELECT min(jobs.kind) FROM jobs WHERE state = 'pending' AND jobs.kind > ready.kind)
    FROM ready
    WHERE ready.kind IS NOT NULL
)
SELECT kind FROM ready
WHERE kind IS NOT NULL AND kind NOT IN (SELECT atom FROM json_each(:kinds))
