SELECT jobs.id, jobs.state
FROM jsonb_array_elements_text(CAST(:jobs AS jsonb)) AS known (value)
JOIN jobs ON jobs.id = CAST(known.value AS bigint)
