SELECT meanings.vector
FROM meanings
JOIN entities ON entities.type = meanings.type AND entities.page = meanings.page
AND entities.entity_id = meanings.entity_id AND entities.content_hash = meanings.content_hash
WHERE meanings.type = :type AND meanings.page = :page AND meanings.entity_id = :entity_id
AND meanings.embedder = :embedder
