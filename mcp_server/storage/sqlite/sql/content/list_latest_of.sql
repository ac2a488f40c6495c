SELECT id FROM revisions
WHERE type IN ('site-content-preview', 'site-content-production')
AND entity_id IN (SELECT value FROM json_each(:ids)) AND id < :before
ORDER BY id DESC
LIMIT :limit
