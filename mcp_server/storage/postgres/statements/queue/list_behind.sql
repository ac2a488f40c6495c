-- Jobs of these keys that are cancelled and have not followed yet.
SELECT jobs.id, jobs.batch
FROM jsonb_array_elements_text(CAST(:keys AS jsonb)) AS wanted (value)
JOIN jobs ON jobs.dedup_key = wanted.value
JOIN following ON following.batch = jobs.batch
WHERE following.what = 'cancel' AND jobs.id > following.after AND jobs.id <= following.until
AND jobs.state IN ('scheduled', 'pending', 'paused')
ORDER BY jobs.id
