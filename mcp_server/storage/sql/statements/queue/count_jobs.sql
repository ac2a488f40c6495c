-- Jobs by kind and state, each state from its own index. The completed ones are most, and have none:
-- the last row counts all jobs, whatever became of them.
SELECT kind, 'pending' AS state, count(*) AS jobs FROM jobs WHERE state = 'pending' GROUP BY kind
UNION ALL
SELECT kind, 'scheduled', count(*) FROM jobs WHERE state = 'scheduled' GROUP BY kind
UNION ALL
SELECT kind, 'processing', count(*) FROM jobs WHERE state = 'processing' GROUP BY kind
UNION ALL
SELECT kind, state, count(*) FROM jobs
WHERE state IN ('paused', 'failed', 'cancelled')
GROUP BY state, kind
UNION ALL
SELECT NULL, NULL, count(*) FROM jobs
