SELECT * FROM texts
WHERE type = :type AND page = :page AND effective = 1
ORDER BY entity_id, id
