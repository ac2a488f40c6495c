-- The columns beside `max` are those of the row that has the largest id. The index has them all.
SELECT entity_id, max(id) AS id, content_hash FROM revisions
WHERE type = 'site-content-production' AND effective = 1 AND created_at < :at
AND entity_id >= :first AND entity_id < :beyond
GROUP BY entity_id
