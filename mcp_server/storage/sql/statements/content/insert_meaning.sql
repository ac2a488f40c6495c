INSERT INTO meanings (type, page, entity_id, content_hash, embedder, vector, words)
VALUES (:type, :page, :entity_id, :content_hash, :embedder, :vector, :words)
