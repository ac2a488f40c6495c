-- Jobs of these keys that are cancelled and have not followed yet.
SELECT jobs.id, jobs.batch
FROM json_each(:keys) AS wanted
CROSS JOIN jobs INDEXED BY jobs_key ON jobs.dedup_key = wanted.atom
JOIN following ON following.batch = jobs.batch
WHERE following.what = 'cancel' AND jobs.id > following.after AND jobs.id <= following.until
AND jobs.state IN ('scheduled', 'pending', 'paused')
ORDER BY jobs.id
