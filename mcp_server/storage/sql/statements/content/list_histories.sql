SELECT * FROM texts
WHERE type = :type AND effective = 1
ORDER BY page, entity_id, id
