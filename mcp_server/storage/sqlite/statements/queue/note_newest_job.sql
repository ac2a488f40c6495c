UPDATE counters SET value = max(value, coalesce((SELECT max(id) FROM jobs), 0))
WHERE name = 'newest_job'
