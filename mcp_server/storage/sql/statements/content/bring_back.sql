UPDATE entities SET (current, content_hash, base, withdrawn) = (
    SELECT id, content_hash, base, withdrawn FROM revisions WHERE id = :revision
)
WHERE type = :type AND page = :page AND entity_id = :entity_id
