UPDATE entities SET withdrawn = 1
WHERE type = :type AND page = :page AND entity_id = :entity_id AND content_hash = :hash
