SELECT content_hash FROM entities WHERE type = :type AND entity_id = :entity_id
