SELECT unembedded.id AS place, unembedded.type, unembedded.entity_id, entities.content_hash,
    substr(convert_to(revisions.markdown, 'UTF8'), 1, CAST(:bytes AS integer)) AS markdown,
    page_bytes.data AS kept, revisions.source_page, revisions.source_start, revisions.source_end,
    revisions.id
FROM unembedded
LEFT JOIN entities ON entities.type = unembedded.type
AND entities.page = unembedded.page AND entities.entity_id = unembedded.entity_id
-- Not the view `texts`: it is a join itself, and would be gone through for each row.
LEFT JOIN revisions ON revisions.id = entities.current
LEFT JOIN page_bytes ON revisions.markdown IS NULL AND page_bytes.hash = revisions.source_page
LEFT JOIN meanings ON meanings.type = unembedded.type
AND meanings.page = unembedded.page AND meanings.entity_id = unembedded.entity_id
WHERE unembedded.id < :before AND meanings.content_hash IS DISTINCT FROM entities.content_hash
ORDER BY unembedded.id DESC
LIMIT :limit
