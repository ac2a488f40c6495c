SELECT * FROM page_versions WHERE page = :page ORDER BY id
