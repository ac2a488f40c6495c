-- What these texts have been, one after the other. Each is asked for as [page, entity_id].
SELECT entity_id, content_hash AS hash, batch_id, cost_usd
FROM json_each(:ids) AS wanted
JOIN revisions INDEXED BY revisions_history
ON revisions.type = :type AND revisions.page = wanted.value ->> 0
AND revisions.entity_id = wanted.value ->> 1
WHERE effective = 1
ORDER BY revisions.id
