SELECT * FROM revisions
WHERE type = :type AND effective = 1
ORDER BY entity_id, id
