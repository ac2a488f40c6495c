INSERT INTO entities (type, page, entity_id, current, content_hash, base)
VALUES (:type, :page, :entity_id, :current, :content_hash, :base)
ON CONFLICT (type, page, entity_id) DO UPDATE SET
    current = excluded.current, content_hash = excluded.content_hash, base = excluded.base,
    withdrawn = 0
