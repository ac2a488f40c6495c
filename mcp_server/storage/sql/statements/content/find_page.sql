SELECT 1 FROM entities WHERE type IN (:draft, :live) AND page = :page
UNION ALL
SELECT 1 FROM page_files WHERE page = :page
LIMIT 1
