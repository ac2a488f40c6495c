-- What the writes that left this file had replaced, newest first.
SELECT before FROM page_versions
WHERE page = :page AND kind = 'after' AND hash IS :hash
ORDER BY id DESC
