SELECT texts.*
FROM entities
JOIN texts ON texts.id = entities.current
WHERE entities.type = :type AND entities.content_hash IS NOT NULL
AND entities.page = :page AND entities.entity_id = :entity_id
