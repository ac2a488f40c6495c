-- Those of these keys that jobs of the batch have which `retry` has taken up already.
SELECT DISTINCT jobs.dedup_key
FROM jsonb_array_elements_text(CAST(:keys AS jsonb)) AS wanted (value)
JOIN jobs ON jobs.dedup_key = wanted.value
WHERE jobs.dedup = 'skip' AND jobs.batch = :batch AND jobs.round = :round
