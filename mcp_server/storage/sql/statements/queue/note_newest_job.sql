UPDATE counters SET value = (SELECT max(id) FROM jobs)
WHERE name = 'newest_job' AND value < (SELECT max(id) FROM jobs)
