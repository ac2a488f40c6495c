-- How many jobs of these kinds run. Few jobs run at a time: SQLite is kept from going by the kind.
SELECT kind, count(*) AS jobs FROM jobs
WHERE state = 'processing' AND kind IN (SELECT value FROM jsonb_array_elements_text(CAST(:kinds AS jsonb)) AS given (value))
GROUP BY kind
