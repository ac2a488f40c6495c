SELECT meanings.type, meanings.entity_id, meanings.words
FROM word_index
JOIN meanings ON meanings.id = word_index.rowid
WHERE word_index MATCH :query AND meanings.type IN (SELECT value FROM json_each(:types))
ORDER BY bm25(word_index)
LIMIT :limit
