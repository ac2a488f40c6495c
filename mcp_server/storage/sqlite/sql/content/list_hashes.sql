-- What these texts have been, one after the other.
SELECT entity_id, content_hash AS hash, batch_id, cost_usd
FROM json_each(:entity_ids) AS wanted
JOIN revisions INDEXED BY revisions_history
ON revisions.type = :type AND revisions.entity_id = wanted.value
WHERE effective = 1
ORDER BY revisions.id
