-- What was written by hand outside any batch, newest first, of the ids [first, beyond).
SELECT id, type, entity_id, author_kind, author_name, content_hash, created_at
FROM revisions INDEXED BY revisions_by_hand
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person') AND id < :before
AND created_at >= :since AND entity_id >= :first AND entity_id < :beyond
ORDER BY id DESC
LIMIT :limit
