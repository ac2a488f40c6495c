-- From `PAGE/` to what comes after all that begins so: the character after `/` is `0`.
SELECT revisions.*
FROM entities
JOIN revisions ON revisions.id = entities.current
WHERE entities.type = :type AND entities.content_hash IS NOT NULL
AND entities.entity_id >= :first AND entities.entity_id < :beyond
ORDER BY entities.entity_id
