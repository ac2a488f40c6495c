UPDATE entities
SET page = :new, entity_id = :new || substr(entity_id, length(:old) + 1)
WHERE type IN (:draft, :live) AND page = :old
