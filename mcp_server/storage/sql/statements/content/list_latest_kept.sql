-- Newest first. What a write has found is left out: it says what it replaced.
SELECT * FROM page_versions
WHERE page = :page AND kind <> 'before'
ORDER BY id DESC
LIMIT :limit
