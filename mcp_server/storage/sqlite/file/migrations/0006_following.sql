-- What was said of a whole batch in one short statement, and its jobs follow in steps: a row for as
-- long as some have not. Whoever meets a job that is behind takes it for what it will be.
CREATE TABLE following (
    batch INTEGER NOT NULL REFERENCES batches (id),
    what TEXT NOT NULL CHECK (what IN ('cancel', 'pause', 'resume', 'retry')),
    -- Jobs up to this number have followed; those after `until` came in later.
    after INTEGER NOT NULL DEFAULT 0,
    until INTEGER NOT NULL,
    said_at REAL NOT NULL,
    -- Why it was cancelled; what its jobs need from now on; codes that are not taken up again.
    reason TEXT,
    requires TEXT,
    leave_out TEXT,
    PRIMARY KEY (batch, what)
) WITHOUT ROWID;
