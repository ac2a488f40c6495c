-- From the hash's first digits to what comes after all that begins so: `g` follows every digit.
SELECT * FROM texts
WHERE type IN ('site-content-preview', 'site-content-production')
AND page = :page AND entity_id = :entity_id
AND content_hash >= :first AND content_hash < :first || 'g'
ORDER BY id
