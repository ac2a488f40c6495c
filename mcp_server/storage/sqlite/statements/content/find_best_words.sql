-- By bm25, which looks at every text that matches.
SELECT rowid AS id FROM word_index WHERE word_index MATCH :query ORDER BY rank LIMIT :limit
