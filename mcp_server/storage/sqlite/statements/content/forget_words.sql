INSERT INTO word_index (word_index, rowid, headings, words)
VALUES ('delete', :id, :headings, :words)
