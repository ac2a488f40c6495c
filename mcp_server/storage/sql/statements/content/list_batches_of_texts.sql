-- The batches that wrote texts of a page, or of one section of it.
SELECT DISTINCT batch_id FROM revisions INDEXED BY revisions_history
WHERE type IN ('site-content-preview', 'site-content-production') AND page = :page
AND (CAST(:section AS text) IS NULL OR entity_id = :section) AND batch_id IS NOT NULL
