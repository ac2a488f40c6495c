-- Of each page: whether anything was live there right after the last change that the batch made.
WITH changed AS (
    SELECT page, max(id) AS last
    FROM revisions INDEXED BY revisions_of_batch
    WHERE batch_id = :batch_id AND type = :type
    GROUP BY page
)
SELECT changed.page AS page, EXISTS (
    SELECT 1 FROM entities
    WHERE entities.type = :type AND entities.page = changed.page
    AND (
        SELECT content_hash IS NOT NULL FROM revisions
        WHERE revisions.type = :type AND revisions.page = entities.page
        AND revisions.entity_id = entities.entity_id
        AND revisions.effective = 1 AND revisions.id <= changed.last
        ORDER BY revisions.id DESC
        LIMIT 1
    )
) AS has_text
FROM changed
ORDER BY changed.page
