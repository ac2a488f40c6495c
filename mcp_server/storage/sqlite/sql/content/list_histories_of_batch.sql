SELECT revisions.*
FROM (
    SELECT DISTINCT entity_id FROM revisions WHERE batch_id = :batch_id AND +type = :type
) AS written
CROSS JOIN revisions ON revisions.type = :type AND revisions.entity_id = written.entity_id
WHERE revisions.effective = 1
ORDER BY revisions.entity_id, revisions.id
