SELECT meanings.type, meanings.entity_id, meanings.words
FROM words
JOIN meanings ON meanings.id = words.rowid
WHERE words MATCH :query AND meanings.type IN (SELECT value FROM json_each(:types))
ORDER BY bm25(words)
LIMIT :limit
