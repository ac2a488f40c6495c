SELECT revisions.*
FROM entities
JOIN revisions ON revisions.id = entities.current
WHERE entities.type = :type AND entities.content_hash IS NOT NULL
AND entities.entity_id = :entity_id
