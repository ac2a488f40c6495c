-- The newest revision is the current one.
INSERT INTO entities (type, page, entity_id, current, content_hash, base)
VALUES (
    :type, :page, :entity_id,
    (
        SELECT max(id) FROM revisions
        WHERE type = :type AND page = :page AND entity_id = :entity_id
    ),
    :content_hash, :base
)
ON CONFLICT (type, page, entity_id) DO UPDATE SET
    current = excluded.current, content_hash = excluded.content_hash, base = excluded.base,
    withdrawn = 0
