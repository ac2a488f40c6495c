SELECT * FROM page_files
