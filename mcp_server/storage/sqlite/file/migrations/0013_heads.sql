-- What a look at all sections needs of each, beside the marks: so it reads no text.
ALTER TABLE entities ADD COLUMN base TEXT;
UPDATE entities SET base = (SELECT base FROM revisions WHERE revisions.id = entities.current);

-- Which text was live at a moment is found in the index alone, without reading the texts.
DROP INDEX revisions_history;
CREATE INDEX revisions_history
ON revisions (type, entity_id, id, created_at, effective, content_hash);
