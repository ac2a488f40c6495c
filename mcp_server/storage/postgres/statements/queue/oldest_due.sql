-- When the oldest job became due that is ready, or would be if somebody looked. Jobs wait in lines,
-- one for each kind, ability and priority, and `jobs_ready` is in the order of the lines: it is
-- enough to look at the first few of each. A job further back is older only where that many before
-- it had been put off.
WITH RECURSIVE
kinds (kind) AS (
    SELECT (SELECT min(kind) FROM jobs WHERE state = 'pending')
    UNION ALL
    SELECT (SELECT min(jobs.kind) FROM jobs WHERE state = 'pending' AND jobs.kind > kinds.kind)
    FROM kinds
    WHERE kinds.kind IS NOT NULL
),
needs (kind, ability) AS (
    SELECT kind, CAST(NULL AS text) COLLATE "C" FROM kinds WHERE kind IS NOT NULL
    UNION  -- after the last ability comes none, which was the first
    SELECT
        needs.kind,
        (
            SELECT min(jobs.requires) FROM jobs
            WHERE state = 'pending' AND jobs.kind = needs.kind
            AND jobs.requires > coalesce(needs.ability, '')
        )
    FROM needs
),
lines (kind, ability, priority) AS (
    SELECT
        needs.kind,
        needs.ability,
        (
            SELECT max(priority) FROM jobs
            WHERE state = 'pending' AND jobs.kind = needs.kind
            AND coalesce(jobs.requires, '') = coalesce(needs.ability, '')
        )
    FROM needs
    UNION ALL
    SELECT
        lines.kind,
        lines.ability,
        (
            SELECT max(jobs.priority) FROM jobs
            WHERE state = 'pending' AND jobs.kind = lines.kind
            AND coalesce(jobs.requires, '') = coalesce(lines.ability, '') AND jobs.priority < lines.priority
        )
    FROM lines
    WHERE lines.priority IS NOT NULL
),
some_lines AS (SELECT * FROM lines LIMIT :lines_max)
SELECT min(due_at) AS due_at FROM (
    SELECT (
        SELECT min(due_at) FROM (
            SELECT jobs.due_at FROM jobs
            WHERE state = 'pending' AND jobs.kind = lines.kind
            AND coalesce(jobs.requires, '') = coalesce(lines.ability, '') AND jobs.priority = lines.priority
            ORDER BY jobs.id
            LIMIT :first
        )
    ) AS due_at
    FROM some_lines AS lines
    WHERE lines.priority IS NOT NULL
    UNION ALL
    SELECT min(due_at) FROM jobs WHERE state = 'scheduled' AND due_at <= :now
)
