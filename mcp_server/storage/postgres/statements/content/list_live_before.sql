-- Of the pages from `first` to `last`: of each text the row that has the largest id.
SELECT DISTINCT ON (page, entity_id) entity_id, id, content_hash FROM revisions
WHERE type = 'site-content-production' AND effective = 1 AND created_at < :at
AND page >= :first AND page <= :last
ORDER BY page, entity_id, id DESC
