-- A page's id is the path of its file, such as `posts/2024/hello`: what belongs to a page is found by
-- a column of its own, as `docs/` also begins what belongs to `docs/guide`. Until now no page had a
-- `/` in its id; of ids of other types too, the page is what stands before the last one.
ALTER TABLE revisions ADD COLUMN page TEXT NOT NULL DEFAULT '';
DROP INDEX revisions_history;
UPDATE revisions SET page = substr(
    rtrim(entity_id, replace(entity_id, '/', '')),
    1,
    length(rtrim(entity_id, replace(entity_id, '/', ''))) - 1
);
-- Which text was live at a moment is found in the index alone, without reading the texts.
CREATE INDEX revisions_history
ON revisions (type, page, entity_id, id, created_at, effective, content_hash);

CREATE TABLE entities_before AS SELECT * FROM entities;
DROP TABLE entities;
CREATE TABLE entities (
    type TEXT NOT NULL,
    page TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    current INTEGER NOT NULL REFERENCES revisions (id),
    content_hash TEXT,
    base TEXT,
    withdrawn INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, page, entity_id)
) WITHOUT ROWID;
INSERT INTO entities (type, page, entity_id, current, content_hash, base, withdrawn)
SELECT
    entities_before.type, revisions.page, entities_before.entity_id, entities_before.current,
    entities_before.content_hash, entities_before.base, entities_before.withdrawn
FROM entities_before
JOIN revisions ON revisions.id = entities_before.current;
DROP TABLE entities_before;

-- The bytes of pages' files, as they were met, taken over and written: compressed, each once.
CREATE TABLE page_bytes (
    hash TEXT PRIMARY KEY,
    data BLOB NOT NULL
);
CREATE TABLE page_versions (
    id INTEGER PRIMARY KEY,
    page TEXT NOT NULL,
    -- NULL: there was no file.
    hash TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('met', 'taken', 'before', 'after')),
    -- Of a write, what it replaced.
    before TEXT,
    batch_id TEXT,
    job_id TEXT,
    at REAL NOT NULL
);
CREATE INDEX page_versions_of_page ON page_versions (page);

-- A text that stands in the bytes of a page is not kept once more: markdown is NULL then, and
-- content_hash is not. Where both are NULL, the text was removed.
ALTER TABLE revisions ADD COLUMN source_page TEXT;
ALTER TABLE revisions ADD COLUMN source_start INTEGER;
ALTER TABLE revisions ADD COLUMN source_end INTEGER;
CREATE VIEW texts AS
SELECT revisions.*, page_bytes.data AS kept
FROM revisions
LEFT JOIN page_bytes
ON revisions.markdown IS NULL AND page_bytes.hash = revisions.source_page;

-- What is known of each page's file: one row, which counts how often it was stored.
CREATE TABLE page_files (
    page TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    layout TEXT NOT NULL,
    stat TEXT,
    hash TEXT,
    in_file TEXT NOT NULL,
    gone TEXT NOT NULL,
    front TEXT NOT NULL,
    intent TEXT,
    version INTEGER NOT NULL
) WITHOUT ROWID;

-- Of what was exported, the last file may not have been written: that is settled by the next look.
INSERT INTO page_files (page, file, layout, hash, in_file, gone, front, intent, version)
SELECT
    page,
    page || '.md',
    '',
    CASE WHEN previous IS NULL THEN latest ELSE nullif(previous, '') END,
    '{}',
    '[]',
    '{}',
    json_object(
        'front', json('{}'),
        'hash', latest,
        'in_file', json((
            SELECT json_group_object(
                substr(entities.entity_id, length(entities.page) + 2), entities.content_hash
            )
            FROM entities
            WHERE entities.type = 'site-content-production' AND entities.page = exports.page
            AND typeof(entities.content_hash) = 'text'
        ))
    ),
    1
FROM exports
WHERE typeof(page) = 'text' AND typeof(latest) = 'text' AND latest <> '';

-- What somebody changed in a page's file was written by hand, too.
DROP INDEX revisions_by_hand;
CREATE INDEX revisions_by_hand ON revisions (created_at)
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person', 'file');

DROP TABLE exports;
