SELECT meanings.type, meanings.entity_id, meanings.content_hash, meanings.vector
FROM json_each(:ids) AS wanted
JOIN meanings ON meanings.type = wanted.value ->> 'type'
AND meanings.page = wanted.value ->> 'page'
AND meanings.entity_id = wanted.value ->> 'entity_id'
WHERE meanings.embedder = :embedder AND meanings.vector IS NOT NULL
