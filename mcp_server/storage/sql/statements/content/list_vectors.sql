SELECT id, type, entity_id, vector FROM meanings
WHERE id > :after AND embedder = :embedder AND vector IS NOT NULL
ORDER BY id
LIMIT :limit
