-- Of the pages from `first` to `last`: one row, with a JSON array for each column; at last those that
-- are withdrawn, and those removed.
SELECT
    json_group_array(entity_id) FILTER (WHERE content_hash IS NOT NULL),
    json_group_array(current) FILTER (WHERE content_hash IS NOT NULL),
    json_group_array(content_hash) FILTER (WHERE content_hash IS NOT NULL),
    json_group_array(base) FILTER (WHERE content_hash IS NOT NULL),
    json_group_array(entity_id) FILTER (WHERE withdrawn AND content_hash IS NOT NULL),
    json_group_array(entity_id) FILTER (WHERE content_hash IS NULL)
FROM entities
WHERE type = :type AND page >= :first AND page <= :last
