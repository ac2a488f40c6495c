SELECT count(*) AS texts FROM word_index
WHERE words @@ as_asked(jsonb_build_array(jsonb_build_array(CAST(:word AS text), :beginning = 1)), '')
