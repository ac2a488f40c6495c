SELECT content_hash FROM entities
WHERE type = :type AND page = :page AND entity_id = :entity_id
