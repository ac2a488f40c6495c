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
