SELECT unembedded.type, unembedded.entity_id, entities.content_hash, texts.markdown, texts.kept,
    texts.source_page, texts.source_start, texts.source_end, texts.id
FROM json_each(:ids) AS wanted
JOIN unembedded ON unembedded.type = wanted.value ->> 'type'
AND unembedded.page = wanted.value ->> 'page'
AND unembedded.entity_id = wanted.value ->> 'entity_id'
LEFT JOIN entities ON entities.type = unembedded.type
AND entities.page = unembedded.page AND entities.entity_id = unembedded.entity_id
LEFT JOIN texts ON texts.id = entities.current
LIMIT :limit
