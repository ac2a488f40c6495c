-- Which of these jobs other batches wait for.
SELECT DISTINCT job FROM awaited WHERE job IN (SELECT value FROM json_each(:jobs))
