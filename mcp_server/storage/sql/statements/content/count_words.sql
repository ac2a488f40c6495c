SELECT count(*) AS texts FROM word_index WHERE word_index MATCH :query
