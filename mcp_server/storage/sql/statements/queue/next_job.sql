-- The number of the next job: none that was given before, though its job is forgotten by now.
SELECT 1 + max(id) AS id FROM (
    SELECT value AS id FROM counters WHERE name = 'newest_job'
    UNION ALL
    SELECT max(id) AS id FROM jobs
)
