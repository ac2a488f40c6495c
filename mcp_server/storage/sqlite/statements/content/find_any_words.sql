-- By bm25, which looks at every text that matches. The question in FTS5's words: any is asked for.
SELECT rowid AS id FROM word_index WHERE word_index MATCH (
    SELECT group_concat(
        '"' || json_extract(one.value, '$[0]') || '"'
        || CASE WHEN json_extract(one.value, '$[1]') THEN ' *' ELSE '' END, ' OR '
    )
    FROM json_each(:wanted) AS wanted, json_each(wanted.value) AS one
)
ORDER BY rank
LIMIT :limit
