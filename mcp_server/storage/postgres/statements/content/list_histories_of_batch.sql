SELECT texts.*
FROM (
    SELECT DISTINCT page, entity_id FROM revisions WHERE batch_id = :batch_id AND type = :type
) AS written
JOIN texts
ON texts.type = :type AND texts.page = written.page AND texts.entity_id = written.entity_id
WHERE texts.effective = 1
ORDER BY texts.page, texts.entity_id, texts.id
