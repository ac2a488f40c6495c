INSERT INTO entities (type, entity_id, current, content_hash, base)
VALUES (:type, :entity_id, :current, :content_hash, :base)
ON CONFLICT (type, entity_id) DO UPDATE SET
    current = excluded.current, content_hash = excluded.content_hash, base = excluded.base,
    withdrawn = 0
