-- Of its file, or of one of its sections.
SELECT 1 FROM jobs
WHERE dedup_key IN (
    SELECT claims.claim || entities.entity_id
    FROM entities
    CROSS JOIN (SELECT 'draft:' AS claim UNION ALL SELECT 'change:') AS claims ON true
    WHERE entities.type IN (:draft, :live) AND entities.page = :page
    UNION ALL
    SELECT 'export:' || :page
)
AND state IN ('scheduled', 'pending', 'processing', 'paused')
LIMIT 1
