-- Of the pages from `first` to `last`: one row, with a JSON array for each column; at last those that
-- are withdrawn, those removed, and of the withdrawn those that somebody has gone on from in a file.
SELECT
    CAST(coalesce(json_agg(entity_id) FILTER (
        WHERE content_hash IS NOT NULL
    ), '[]') AS text),
    CAST(coalesce(json_agg(current) FILTER (
        WHERE content_hash IS NOT NULL
    ), '[]') AS text),
    CAST(coalesce(json_agg(content_hash) FILTER (
        WHERE content_hash IS NOT NULL
    ), '[]') AS text),
    CAST(coalesce(json_agg(base) FILTER (
        WHERE content_hash IS NOT NULL
    ), '[]') AS text),
    CAST(coalesce(json_agg(entity_id) FILTER (
        WHERE withdrawn = 1 AND content_hash IS NOT NULL
    ), '[]') AS text),
    CAST(coalesce(json_agg(entity_id) FILTER (
        WHERE content_hash IS NULL
    ), '[]') AS text),
    CAST(coalesce(json_agg(entity_id) FILTER (
        WHERE withdrawn = 1 AND content_hash IS NOT NULL AND EXISTS (
            SELECT 1 FROM entities AS live
            JOIN revisions ON revisions.id = live.current
            WHERE live.type = 'site-content-production' AND live.page = entities.page
            AND live.entity_id = entities.entity_id AND live.content_hash IS NOT NULL
            AND revisions.author_kind = 'file'
        )
    ), '[]') AS text)
FROM entities
WHERE type = :type AND page >= :first AND page <= :last
