SELECT count(*) AS texts FROM word_index
WHERE word_index MATCH '"' || :word || '"' || CASE WHEN :beginning THEN ' *' ELSE '' END
