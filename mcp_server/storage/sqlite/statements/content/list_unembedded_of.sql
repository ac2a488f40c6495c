SELECT unembedded.id AS place, unembedded.type, unembedded.entity_id, entities.content_hash,
    -- As bytes, as a text would be cut at its first NUL.
    CASE typeof(revisions.markdown)
        WHEN 'text' THEN substr(CAST(revisions.markdown AS BLOB), 1, :bytes)
    END AS markdown,
    page_bytes.data AS kept, revisions.source_page, revisions.source_start, revisions.source_end,
    revisions.id
FROM json_each(:ids) AS wanted
JOIN unembedded ON unembedded.type = wanted.value ->> 'type'
AND unembedded.page = wanted.value ->> 'page'
AND unembedded.entity_id = wanted.value ->> 'entity_id'
LEFT JOIN entities ON entities.type = unembedded.type
AND entities.page = unembedded.page AND entities.entity_id = unembedded.entity_id
-- Not the view `texts`: beside a LEFT JOIN, all of it would be gone through.
LEFT JOIN revisions ON revisions.id = entities.current
LEFT JOIN page_bytes ON revisions.markdown IS NULL AND page_bytes.hash = revisions.source_page
LIMIT :limit
