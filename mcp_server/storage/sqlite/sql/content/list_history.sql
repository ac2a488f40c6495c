SELECT * FROM revisions
WHERE type = :type AND entity_id = :entity_id AND effective = 1
ORDER BY id
