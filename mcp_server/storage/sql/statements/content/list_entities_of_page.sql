SELECT texts.*
FROM entities
JOIN texts ON texts.id = entities.current
WHERE entities.type = :type AND entities.content_hash IS NOT NULL AND entities.page = :page
ORDER BY entities.entity_id
