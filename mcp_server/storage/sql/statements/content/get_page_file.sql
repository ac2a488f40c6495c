SELECT * FROM page_files WHERE page = :page
