INSERT INTO entities (type, entity_id, current, content_hash)
VALUES (:type, :entity_id, :current, :content_hash)
ON CONFLICT (type, entity_id) DO UPDATE SET
    current = excluded.current, content_hash = excluded.content_hash
