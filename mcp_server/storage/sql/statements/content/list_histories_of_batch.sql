SELECT texts.*
FROM (
    SELECT DISTINCT page, entity_id FROM revisions INDEXED BY revisions_of_batch
    WHERE batch_id = :batch_id AND type = :type
) AS written
CROSS JOIN texts
ON texts.type = :type AND texts.page = written.page AND texts.entity_id = written.entity_id
WHERE texts.effective = 1
ORDER BY texts.page, texts.entity_id, texts.id
