SELECT DISTINCT substr(entity_id, 1, instr(entity_id, '/') - 1) AS page
FROM revisions
WHERE batch_id = :batch_id AND +type = :type
ORDER BY page
