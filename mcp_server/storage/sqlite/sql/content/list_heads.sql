SELECT entity_id, current, content_hash, base, withdrawn FROM entities
WHERE type = :type
ORDER BY entity_id
