-- What search and drafting know of each text: the words that are found in it, and the vector of what
-- it means. `id` grows with every change, so that who keeps the vectors reads what is new.
CREATE TABLE meanings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    page TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    -- Of the text that they were made of.
    content_hash TEXT NOT NULL,
    -- What made the vector. NULL: nobody has, only words are found.
    embedder TEXT,
    vector BLOB,
    -- As they were indexed, compressed: an index without texts forgets only what it is told again.
    words BLOB NOT NULL,
    UNIQUE (type, page, entity_id)
);
-- By whom, and then by `id`: whoever keeps the vectors of one asks what is new, again and again.
CREATE INDEX meanings_by_embedder ON meanings (embedder);

CREATE VIRTUAL TABLE word_index USING fts5 (
    headings, words, content = '', tokenize = 'unicode61 remove_diacritics 2'
);
-- Its words, and in how many texts each is: of a word that is in none, the nearest.
CREATE VIRTUAL TABLE word_terms USING fts5vocab (word_index, row);

-- The entities whose text has changed since, whoever changed it. The newest come first.
CREATE TABLE unembedded (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    page TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    UNIQUE (type, page, entity_id)
);
-- Not INSERT OR REPLACE: in a trigger, what the statement says that fired it counts instead.
CREATE TRIGGER text_came AFTER INSERT ON entities BEGIN
    DELETE FROM unembedded
    WHERE type = new.type AND page = new.page AND entity_id = new.entity_id;
    INSERT INTO unembedded (type, page, entity_id)
    VALUES (new.type, new.page, new.entity_id);
END;
CREATE TRIGGER text_changed
AFTER UPDATE OF type, page, entity_id, content_hash ON entities
WHEN old.content_hash IS NOT new.content_hash OR old.entity_id <> new.entity_id BEGIN
    DELETE FROM unembedded
    WHERE type = old.type AND page = old.page AND entity_id = old.entity_id;
    INSERT INTO unembedded (type, page, entity_id)
    VALUES (old.type, old.page, old.entity_id);
    DELETE FROM unembedded
    WHERE type = new.type AND page = new.page AND entity_id = new.entity_id;
    INSERT INTO unembedded (type, page, entity_id)
    VALUES (new.type, new.page, new.entity_id);
END;
CREATE TRIGGER text_went AFTER DELETE ON entities BEGIN
    DELETE FROM unembedded
    WHERE type = old.type AND page = old.page AND entity_id = old.entity_id;
    INSERT INTO unembedded (type, page, entity_id)
    VALUES (old.type, old.page, old.entity_id);
END;
INSERT INTO unembedded (type, page, entity_id) SELECT type, page, entity_id FROM entities;
