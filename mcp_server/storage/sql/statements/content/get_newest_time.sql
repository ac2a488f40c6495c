-- When the newest revision of an entity was written.
SELECT created_at FROM revisions
WHERE type = :type AND page = :page AND entity_id = :entity_id
ORDER BY id DESC
LIMIT 1
