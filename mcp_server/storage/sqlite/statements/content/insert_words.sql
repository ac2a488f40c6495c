INSERT INTO word_index (rowid, headings, words) VALUES (:id, :headings, :words)
