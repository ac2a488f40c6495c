SELECT * FROM texts
WHERE type = :type AND page = :page AND entity_id = :entity_id AND effective = 1
ORDER BY id
