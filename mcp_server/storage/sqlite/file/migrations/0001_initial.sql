-- Row ids are integers that grow with time; the text ids are what users see.
-- Every index is partial, and serves one query that is asked often.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters VALUES ('change', 0), ('last_claim_ms', 0);

CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    batch_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    interface TEXT NOT NULL,
    destination TEXT,
    state TEXT NOT NULL CHECK (
        state IN ('pending', 'processing', 'paused', 'completed', 'failed', 'cancelled')
    ),
    reason TEXT,
    terms TEXT NOT NULL,
    details TEXT NOT NULL,
    submit_key TEXT,
    -- The batch that this one is about, such as the one it takes back.
    about TEXT,
    round INTEGER NOT NULL DEFAULT 1,
    -- Counters of the present round, over its counted jobs.
    total INTEGER NOT NULL,
    completed INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    -- Jobs, counted or not, that the round still waits for; it ends when there are none.
    outstanding INTEGER NOT NULL,
    -- Jobs that are not counted and failed.
    follow_ups_failed INTEGER NOT NULL DEFAULT 0,
    -- Somebody cancelled it: nothing of it is started any more, and it holds no keys.
    stopping INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    change INTEGER NOT NULL,
    CHECK (completed + failed + cancelled <= total AND skipped <= completed AND outstanding >= 0)
);
CREATE UNIQUE INDEX batches_submit_key ON batches (submit_key)
WHERE submit_key IS NOT NULL AND state IN ('pending', 'processing', 'paused') AND stopping = 0;
CREATE INDEX batches_about ON batches (about) WHERE about IS NOT NULL;
CREATE INDEX batches_unfinished ON batches (id)
WHERE state IN ('pending', 'processing', 'paused');
CREATE INDEX batches_change ON batches (change);

-- What a request key stands for (R2): the call that it was first used with.
CREATE TABLE requests (
    owner TEXT NOT NULL,
    request_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    batch INTEGER NOT NULL REFERENCES batches (id),
    created_at REAL NOT NULL,
    PRIMARY KEY (owner, request_key)
) WITHOUT ROWID;

-- The end of a round: one row, written by the transaction that ends it.
CREATE TABLE rounds (
    batch INTEGER NOT NULL REFERENCES batches (id),
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    terms TEXT NOT NULL,
    total INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    started_at REAL,
    ended_at REAL NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (batch, number)
) WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN (
            'scheduled', 'pending', 'processing', 'paused', 'completed', 'failed', 'cancelled'
        )
    ),
    priority INTEGER NOT NULL,
    batch INTEGER REFERENCES batches (id),
    round INTEGER NOT NULL DEFAULT 1,
    counted INTEGER NOT NULL,
    owner TEXT NOT NULL,
    interface TEXT NOT NULL,
    destination TEXT,
    dedup TEXT NOT NULL,
    dedup_key TEXT,
    requires TEXT,
    max_retries INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    due_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    -- Who may write; kept after the end, so that the same attempt may report twice.
    attempt_id TEXT,
    worker_id TEXT,
    lease_until REAL,
    code TEXT,
    reason TEXT,
    result TEXT,
    step_current REAL,
    step_total REAL,
    step_message TEXT
);
CREATE INDEX jobs_ready ON jobs (priority DESC, id) WHERE state = 'pending';
CREATE INDEX jobs_scheduled ON jobs (due_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'processing';
CREATE INDEX jobs_of_batch ON jobs (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX jobs_alone_ended ON jobs (ended_at)
WHERE batch IS NULL AND ended_at IS NOT NULL;
CREATE INDEX jobs_key ON jobs (dedup_key) WHERE dedup_key IS NOT NULL;
CREATE UNIQUE INDEX jobs_skip ON jobs (dedup_key)
WHERE dedup = 'skip' AND state IN ('scheduled', 'pending', 'processing', 'paused');
CREATE UNIQUE INDEX jobs_coalesce ON jobs (dedup_key)
WHERE dedup = 'coalesce' AND state IN ('scheduled', 'pending', 'paused');

-- A round that waits for a job which another batch brought in (dedup `coalesce`).
CREATE TABLE awaited (
    job INTEGER NOT NULL REFERENCES jobs (id),
    batch INTEGER NOT NULL REFERENCES batches (id),
    PRIMARY KEY (job, batch)
) WITHOUT ROWID;

-- The processes that take part, and what others ask of them.
CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    abilities TEXT NOT NULL,
    details TEXT NOT NULL,
    seen_at REAL NOT NULL,
    wanted TEXT
) WITHOUT ROWID;

CREATE TABLE sites (
    hash TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;

-- Immutable versions of stored content; markdown is NULL where the text was removed.
CREATE TABLE revisions (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    template TEXT NOT NULL,
    fields TEXT NOT NULL,
    markdown TEXT,
    content_hash TEXT,
    base TEXT,
    author_kind TEXT NOT NULL,
    author_name TEXT NOT NULL,
    batch_id TEXT,
    job_id TEXT,
    site_hash TEXT,
    inputs_hash TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cost_usd REAL,
    -- False: it came too late, and never was the current one (R5).
    effective INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL
);
CREATE INDEX revisions_history ON revisions (type, entity_id, id);
CREATE INDEX revisions_of_batch ON revisions (batch_id, id) WHERE batch_id IS NOT NULL;

-- The marks of an entity: which revision is current, and whether it was withdrawn.
CREATE TABLE entities (
    type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    current INTEGER NOT NULL REFERENCES revisions (id),
    content_hash TEXT,
    withdrawn INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, entity_id)
) WITHOUT ROWID;

-- The last two hashes recorded of a page's file, newest first; '' where it was removed.
CREATE TABLE exports (
    page TEXT PRIMARY KEY,
    latest TEXT NOT NULL,
    previous TEXT
) WITHOUT ROWID;
