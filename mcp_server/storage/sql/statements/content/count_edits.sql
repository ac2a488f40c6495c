-- How much was written by hand outside any batch, and by whom; of a page or a section, or of all.
SELECT author_kind, author_name, count(*) AS edits
FROM revisions INDEXED BY revisions_by_hand
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person', 'file')
AND created_at >= :since
AND (CAST(:page AS text) IS NULL OR page = :page)
AND (CAST(:section AS text) IS NULL OR entity_id = :section)
GROUP BY author_kind, author_name
ORDER BY edits DESC
