DELETE FROM word_index WHERE id = :id
