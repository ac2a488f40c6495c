UPDATE entities SET current = :current, content_hash = :content_hash
WHERE type = :type AND entity_id = :entity_id
