-- The number of the next job: none that was given before, though its job is forgotten by now.
SELECT 1 + greatest(value, coalesce((SELECT max(id) FROM jobs), 0)) AS id
FROM counters WHERE name = 'newest_job'
