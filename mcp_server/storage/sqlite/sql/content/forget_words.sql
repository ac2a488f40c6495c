INSERT INTO word_index (word_index, rowid, words) VALUES ('delete', :id, :words)
