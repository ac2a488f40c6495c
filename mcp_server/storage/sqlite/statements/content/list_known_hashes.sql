SELECT meanings.type, meanings.entity_id, meanings.content_hash
FROM json_each(:ids) AS wanted
JOIN meanings ON meanings.type = wanted.value ->> 'type'
AND meanings.page = wanted.value ->> 'page'
AND meanings.entity_id = wanted.value ->> 'entity_id'
JOIN entities ON entities.type = meanings.type AND entities.page = meanings.page
AND entities.entity_id = meanings.entity_id AND entities.content_hash = meanings.content_hash
