-- How much was written by hand outside any batch, and by whom.
SELECT author_kind, author_name, count(*) AS edits
FROM revisions INDEXED BY revisions_by_hand
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person')
AND created_at >= :since AND entity_id >= :first AND entity_id < :beyond
GROUP BY author_kind, author_name
ORDER BY edits DESC
