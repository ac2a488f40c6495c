-- Which of these jobs other batches wait for.
SELECT DISTINCT job FROM awaited WHERE job IN (SELECT CAST(value AS bigint) FROM jsonb_array_elements_text(CAST(:jobs AS jsonb)) AS given (value))
