-- When the oldest job became due that is ready, or would be if somebody looked. Jobs wait in lines,
-- one for each kind and priority, and `jobs_ready` is in the order of the lines: it is enough to
-- look at the first few of each. A job further back is older only where that many before it had
-- been put off.
WITH RECURSIVE
kinds (kind) AS (
    SELECT (SELECT min(kind) FROM jobs WHERE state = 'pending')
    UNION ALL
    SELECT (SELECT min(jobs.kind) FROM jobs WHERE state = 'pending' AND jobs.kind > kinds.kind)
    FROM kinds
    WHERE kinds.kind IS NOT NULL
),
lines (kind, priority) AS (
    SELECT
        kinds.kind,
        (SELECT max(priority) FROM jobs WHERE state = 'pending' AND jobs.kind = kinds.kind)
    FROM kinds
    WHERE kinds.kind IS NOT NULL
    UNION ALL
    SELECT
        lines.kind,
        (
            SELECT max(jobs.priority) FROM jobs
            WHERE state = 'pending' AND jobs.kind = lines.kind AND jobs.priority < lines.priority
        )
    FROM lines
    WHERE lines.priority IS NOT NULL
    LIMIT :lines_max
)
SELECT min(due_at) AS due_at FROM (
    SELECT (
        SELECT min(due_at) FROM (
            SELECT jobs.due_at FROM jobs
            WHERE state = 'pending' AND jobs.kind = lines.kind AND jobs.priority = lines.priority
            ORDER BY jobs.id
            LIMIT :first
        )
    ) AS due_at
    FROM lines
    WHERE lines.priority IS NOT NULL
    UNION ALL
    SELECT min(due_at) FROM jobs WHERE state = 'scheduled' AND due_at <= :now
)
