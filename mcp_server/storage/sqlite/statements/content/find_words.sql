SELECT rowid AS id FROM word_index WHERE word_index MATCH :query LIMIT :limit
