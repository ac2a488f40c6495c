-- From `PAGE/` to what comes after all that begins so: the character after `/` is `0`.
SELECT entity_id, current, content_hash, base, withdrawn FROM entities
WHERE type = :type
AND entity_id >= :first AND entity_id < :beyond
ORDER BY entity_id
