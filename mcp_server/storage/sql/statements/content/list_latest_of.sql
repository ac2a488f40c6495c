-- Each is asked for as [page, entity_id].
SELECT revisions.id
FROM json_each(:ids) AS wanted
JOIN revisions INDEXED BY revisions_history
ON revisions.type IN ('site-content-preview', 'site-content-production')
AND revisions.page = wanted.value ->> 0
AND revisions.entity_id = wanted.value ->> 1 AND revisions.id < :before
ORDER BY revisions.id DESC
LIMIT :limit
