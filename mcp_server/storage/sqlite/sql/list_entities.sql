SELECT revisions.*, entities.withdrawn
FROM entities
JOIN revisions ON revisions.id = entities.current
WHERE entities.type = :type AND entities.content_hash IS NOT NULL
AND (:ids IS NULL OR entities.entity_id IN (SELECT value FROM json_each(:ids)))
ORDER BY entities.entity_id
