UPDATE counters SET value = greatest(value, coalesce((SELECT max(id) FROM jobs), 0))
WHERE name = 'newest_job'
