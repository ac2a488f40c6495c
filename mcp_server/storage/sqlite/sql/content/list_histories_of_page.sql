-- From `PAGE/` to what comes after all that begins so: the character after `/` is `0`.
SELECT * FROM revisions
WHERE type = :type AND effective = 1
AND entity_id >= :first AND entity_id < :beyond
ORDER BY entity_id, id
