SELECT texts.*
FROM entities
JOIN texts ON texts.id = entities.current
WHERE entities.type = :type AND entities.content_hash IS NOT NULL
AND (entities.page, entities.entity_id) > (:page, :entity_id)
ORDER BY entities.page, entities.entity_id
LIMIT :limit
