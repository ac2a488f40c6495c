-- A file that we removed ourselves is nobody's page any more.
SELECT file FROM page_files WHERE hash IS NOT NULL OR gone <> '[]'
