-- A round has a row from its beginning, which carries all that belongs to it: state, terms, counters,
-- times, change and keys. A batch keeps what never changes, and the number of its present round.
PRAGMA defer_foreign_keys = ON;  -- batches that others refer to are gone for a moment

CREATE TABLE batches_before AS SELECT * FROM batches;
CREATE TABLE rounds_before AS SELECT * FROM rounds;
DROP TABLE rounds;
DELETE FROM batches;
DROP TABLE batches;

CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    batch_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    interface TEXT NOT NULL,
    destination TEXT,
    details TEXT NOT NULL,
    -- The batch that this one is about, such as the one it takes back.
    about TEXT,
    -- The number of its present round, the newest.
    round INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL
);
CREATE INDEX batches_about ON batches (about) WHERE about IS NOT NULL;

CREATE TABLE rounds (
    batch INTEGER NOT NULL REFERENCES batches (id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('pending', 'processing', 'paused', 'completed', 'failed', 'cancelled')
    ),
    reason TEXT,
    terms TEXT NOT NULL,
    submit_key TEXT,
    -- Of its counted jobs.
    total INTEGER NOT NULL,
    completed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    -- Jobs, counted or not, that it still waits for; it ends when there are none.
    outstanding INTEGER NOT NULL,
    -- Jobs that are not counted and failed.
    follow_ups_failed INTEGER NOT NULL DEFAULT 0,
    -- Somebody cancelled it: nothing of it is started any more, and it holds no keys.
    stopping INTEGER NOT NULL DEFAULT 0,
    -- What was pruned of its batch since it ended: 0 nothing, 1 the completed jobs, 2 all of them,
    -- or nothing is to be, for another round has followed.
    pruned INTEGER NOT NULL DEFAULT 0,
    started_at REAL,
    ended_at REAL,
    change INTEGER NOT NULL,
    PRIMARY KEY (batch, number),
    CHECK (completed + failed + cancelled <= total AND skipped <= completed AND outstanding >= 0)
) WITHOUT ROWID;
CREATE UNIQUE INDEX rounds_submit_key ON rounds (submit_key)
WHERE submit_key IS NOT NULL AND state IN ('pending', 'processing', 'paused') AND stopping = 0;
CREATE INDEX rounds_unfinished ON rounds (batch)
WHERE state IN ('pending', 'processing', 'paused');
CREATE INDEX rounds_change ON rounds (change);
CREATE INDEX rounds_to_prune ON rounds (pruned, state, ended_at)
WHERE pruned < 2 AND ended_at IS NOT NULL;

INSERT INTO batches (
    id, batch_id, kind, owner, interface, destination, details, about, round, created_at
)
SELECT id, batch_id, kind, owner, interface, destination, details, about, round, created_at
FROM batches_before;

INSERT INTO rounds (
    batch, number, state, reason, terms, submit_key, total, completed, skipped, failed, cancelled,
    outstanding, follow_ups_failed, stopping, pruned, started_at, ended_at, change
)
SELECT
    id, round, state, reason, terms, submit_key, total, completed, skipped, failed, cancelled,
    outstanding, follow_ups_failed, stopping, pruned, started_at, ended_at, change
FROM batches_before;

-- Earlier rounds: why they were cancelled, and which follow-ups failed, was not kept.
INSERT INTO rounds (
    batch, number, state, terms, total, completed, skipped, failed, cancelled, outstanding,
    pruned, started_at, ended_at, change
)
SELECT
    batch, number, rounds_before.state, rounds_before.terms, rounds_before.total,
    rounds_before.completed, rounds_before.skipped, rounds_before.failed, rounds_before.cancelled,
    0, 2, rounds_before.started_at, rounds_before.ended_at, rounds_before.change
FROM rounds_before
JOIN batches_before ON batches_before.id = rounds_before.batch
WHERE rounds_before.number < batches_before.round;

DROP TABLE rounds_before;
DROP TABLE batches_before;
