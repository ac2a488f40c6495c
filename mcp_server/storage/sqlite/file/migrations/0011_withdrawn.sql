-- A draft that a discard brings back is still withdrawn: each revision keeps its mark.
ALTER TABLE revisions ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
UPDATE revisions SET withdrawn = 1 WHERE id IN (SELECT current FROM entities WHERE withdrawn = 1);
