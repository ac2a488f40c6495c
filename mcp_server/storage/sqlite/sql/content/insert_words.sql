INSERT INTO word_index (rowid, words) VALUES (:id, :words)
