-- Of the pages from `first` to `last`. The columns beside `max` are those of the row that has the
-- largest id. The index has them all.
SELECT entity_id, max(id) AS id, content_hash FROM revisions
WHERE type = 'site-content-production' AND effective = 1 AND created_at < :at
AND page >= :first AND page <= :last
GROUP BY page, entity_id
