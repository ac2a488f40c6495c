SELECT unembedded.type, unembedded.entity_id, entities.content_hash, texts.markdown, texts.kept,
    texts.source_page, texts.source_start, texts.source_end, texts.id
FROM unembedded
LEFT JOIN entities ON entities.type = unembedded.type
AND entities.page = unembedded.page AND entities.entity_id = unembedded.entity_id
LEFT JOIN texts ON texts.id = entities.current
ORDER BY unembedded.id DESC
LIMIT :limit
