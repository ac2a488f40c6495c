-- The batches that wrote texts of the ids [first, beyond).
SELECT DISTINCT batch_id FROM revisions INDEXED BY revisions_history
WHERE type IN ('site-content-preview', 'site-content-production')
AND entity_id >= :first AND entity_id < :beyond AND batch_id IS NOT NULL
