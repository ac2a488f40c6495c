-- Texts that were pasted as sources of drafts, each once: a thousand jobs carry only its hash.
CREATE TABLE materials (
    hash TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    stored_at REAL NOT NULL
) WITHOUT ROWID;
