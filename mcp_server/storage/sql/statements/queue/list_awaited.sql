-- Which of these jobs other batches wait for.
SELECT DISTINCT job FROM awaited WHERE job IN (SELECT CAST(atom AS bigint) FROM json_each(:jobs))
