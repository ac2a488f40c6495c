UPDATE page_files
SET page = :new, file = :file, stat = NULL, version = version + 1
WHERE page = :old
