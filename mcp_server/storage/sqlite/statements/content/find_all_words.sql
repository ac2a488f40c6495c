-- The question in FTS5's words: each is one of several, and all are asked for.
SELECT rowid AS id FROM word_index WHERE word_index MATCH (
    SELECT
        CASE WHEN :headings THEN 'headings : (' ELSE '(' END || group_concat(one, ' AND ') || ')'
    FROM (
        SELECT '(' || (
            SELECT group_concat(
                '"' || json_extract(value, '$[0]') || '"'
                || CASE WHEN json_extract(value, '$[1]') THEN ' *' ELSE '' END, ' OR '
            )
            FROM json_each(wanted.value)
        ) || ')' AS one
        FROM json_each(:wanted) AS wanted
    )
)
LIMIT :limit
