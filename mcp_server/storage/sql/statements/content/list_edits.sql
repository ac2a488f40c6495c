-- What was written by hand outside any batch, newest first; of a page or a section, or of all.
SELECT id, type, entity_id, author_kind, author_name, content_hash, created_at
FROM revisions INDEXED BY revisions_by_hand
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person', 'file') AND id < :before
AND created_at >= :since
AND (CAST(:page AS text) IS NULL OR page = :page)
AND (CAST(:section AS text) IS NULL OR entity_id = :section)
ORDER BY id DESC
LIMIT :limit
