-- Of each page: whether anything was live there right after the last change that the batch made.
WITH changed AS (
    SELECT substr(entity_id, 1, instr(entity_id, '/') - 1) AS page, max(id) AS last
    FROM revisions
    WHERE batch_id = :batch_id AND +type = :type
    GROUP BY page
)
SELECT page, EXISTS (
    SELECT 1 FROM entities
    WHERE entities.type = :type
    AND entities.entity_id > changed.page || '/' AND entities.entity_id < changed.page || '0'
    AND (
        SELECT markdown IS NOT NULL FROM revisions
        WHERE revisions.type = :type AND revisions.entity_id = entities.entity_id
        AND revisions.effective = 1 AND revisions.id <= changed.last
        ORDER BY revisions.id DESC
        LIMIT 1
    )
) AS has_text
FROM changed
ORDER BY page
