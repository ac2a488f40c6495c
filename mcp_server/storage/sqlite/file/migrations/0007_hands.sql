-- A text's hash is that of its Markdown alone. With it are kept what was wished for it, from what else
-- it was written, and what the checks found.
ALTER TABLE revisions ADD COLUMN instructions TEXT NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN material TEXT;
ALTER TABLE revisions ADD COLUMN findings TEXT;

CREATE TABLE hashes_before AS
SELECT DISTINCT entity_id, content_hash AS hash, text_hash(markdown) AS new
FROM revisions
WHERE content_hash IS NOT NULL AND text_hash(markdown) IS NOT NULL;
CREATE INDEX hashes_before_hash ON hashes_before (entity_id, hash);

UPDATE revisions SET
    content_hash = coalesce(text_hash(markdown), content_hash),
    base = coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = revisions.entity_id AND known.hash = revisions.base
    ), base)
WHERE markdown IS NOT NULL;

UPDATE entities SET content_hash = (
    SELECT revisions.content_hash FROM revisions WHERE revisions.id = entities.current
)
WHERE content_hash IS NOT NULL;

-- What jobs expect to find that were planned before.
UPDATE jobs SET payload = json_replace(
    payload,
    '$.draft', coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = jobs.subject AND known.hash = json_extract(payload, '$.draft')
    ), json_extract(payload, '$.draft')),
    '$.base', coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = jobs.subject AND known.hash = json_extract(payload, '$.base')
    ), json_extract(payload, '$.base')),
    '$.live', coalesce((
        SELECT new FROM hashes_before AS known
        WHERE known.entity_id = jobs.subject AND known.hash = json_extract(payload, '$.live')
    ), json_extract(payload, '$.live'))
)
WHERE kind IN ('content-generate', 'content-promote', 'content-rollback')
AND state <> 'completed' AND typeof(payload) = 'text' AND json_valid(payload);

DROP TABLE hashes_before;

-- A draft that a discard brings back is still withdrawn: each revision keeps its mark.
ALTER TABLE revisions ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
UPDATE revisions SET withdrawn = 1
WHERE effective = 1 AND (type, entity_id, content_hash) IN (
    SELECT type, entity_id, content_hash FROM entities
    WHERE withdrawn = 1 AND content_hash IS NOT NULL
);

-- What a look at all sections needs of each, beside the marks: so it reads no text.
ALTER TABLE entities ADD COLUMN base TEXT;
UPDATE entities SET base = (SELECT base FROM revisions WHERE revisions.id = entities.current);

-- Which text was live at a moment is found in the index alone, without reading the texts.
DROP INDEX revisions_history;
CREATE INDEX revisions_history
ON revisions (type, entity_id, id, created_at, effective, content_hash);

-- Texts that were pasted as sources of drafts, each once: a thousand jobs carry only its hash.
CREATE TABLE materials (
    hash TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    stored_at REAL NOT NULL
) WITHOUT ROWID;

-- Requests to models: each is reserved before it is sent, and closed once with what it did cost.
-- Money is in billionths of a US dollar; NULL: the price is not known.
CREATE TABLE usage (
    id INTEGER PRIMARY KEY,
    entry TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    batch_id TEXT,
    job_id TEXT NOT NULL,
    attempt_id TEXT NOT NULL,
    -- The day on which it was begun, by UTC, counted from 1970.
    day INTEGER NOT NULL,
    reserved_input INTEGER NOT NULL,
    reserved_output INTEGER NOT NULL,
    reserved_cost INTEGER,
    reserved_at REAL NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cost INTEGER,
    closed_at REAL
);
-- What is not closed: by batch and by day, as budgets are.
CREATE INDEX usage_open_of_batch ON usage (batch_id) WHERE closed_at IS NULL;
CREATE INDEX usage_open_of_day ON usage (day) WHERE closed_at IS NULL;

-- What the entries come to, so that no request adds up all before it.
CREATE TABLE usage_sums (
    scope TEXT NOT NULL CHECK (scope IN ('batch', 'day', 'model')),
    name TEXT NOT NULL,
    requests INTEGER NOT NULL DEFAULT 0,
    unpriced INTEGER NOT NULL DEFAULT 0,
    reserved INTEGER NOT NULL DEFAULT 0,
    spent INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;

-- What became of each job of a batch, kept for good: written when the job itself is forgotten. At the
-- end, from place 2⁶² on, what was left out while the batch was planned.
CREATE TABLE record (
    batch INTEGER NOT NULL REFERENCES batches (id),
    place INTEGER NOT NULL,
    subject TEXT NOT NULL,
    counted INTEGER NOT NULL,
    state TEXT NOT NULL,
    round INTEGER NOT NULL,
    code TEXT,
    reason TEXT,
    PRIMARY KEY (batch, place)
) WITHOUT ROWID;
CREATE INDEX record_failed ON record (batch, place) WHERE state = 'failed';

-- What happened since a time: batches that have ended, and what was written by hand outside any.
CREATE INDEX rounds_ended ON rounds (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX revisions_by_hand ON revisions (created_at)
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person');

-- What may be handed in once, such as the digest of a dry run: by which call it was, and as which batch.
CREATE TABLE spent (
    owner TEXT NOT NULL,
    request_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    batch INTEGER NOT NULL REFERENCES batches (id),
    created_at REAL NOT NULL,
    PRIMARY KEY (owner, request_key)
) WITHOUT ROWID;
