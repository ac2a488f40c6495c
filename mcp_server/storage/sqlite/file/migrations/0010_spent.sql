-- What may be handed in once, such as the digest of a dry run: by which call it was, and as which batch.
CREATE TABLE spent (
    owner TEXT NOT NULL,
    request_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    batch INTEGER NOT NULL REFERENCES batches (id),
    created_at REAL NOT NULL,
    PRIMARY KEY (owner, request_key)
) WITHOUT ROWID;
