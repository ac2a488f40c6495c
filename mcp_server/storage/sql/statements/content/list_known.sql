SELECT meanings.id, meanings.type, meanings.entity_id, meanings.content_hash, meanings.words
FROM json_each(:ids) AS wanted
JOIN meanings ON meanings.id = CAST(wanted.atom AS bigint)
JOIN entities ON entities.type = meanings.type AND entities.page = meanings.page
AND entities.entity_id = meanings.entity_id AND entities.content_hash = meanings.content_hash
