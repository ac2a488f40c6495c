BEGIN TRANSACTION;
CREATE TABLE awaited (
    job INTEGER NOT NULL REFERENCES jobs (id),
    batch INTEGER NOT NULL REFERENCES batches (id),
    PRIMARY KEY (job, batch)
) WITHOUT ROWID;
INSERT INTO "awaited" VALUES(23,12);
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
    change INTEGER NOT NULL, pruned INTEGER NOT NULL DEFAULT 0,
    CHECK (completed + failed + cancelled <= total AND skipped <= completed AND outstanding >= 0)
);
INSERT INTO "batches" VALUES(1,'b_forgotten','generate','ada','test','room-7','completed',NULL,'{"site":"site of b_forgotten"}','{"asked":"b_forgotten"}',NULL,NULL,1,2,2,0,0,0,0,0,0,1000005.0,1000005.0,1000015.0,7,1);
INSERT INTO "batches" VALUES(2,'b_completed','generate','ada','test','room-7','completed',NULL,'{"site":"site of b_completed"}','{"asked":"b_completed"}','key of b_completed',NULL,1,2,2,1,0,0,0,0,0,1172820.0,1172820.0,1172830.0,14,0);
INSERT INTO "batches" VALUES(3,'b_second','generate','ada','test','room-7','completed',NULL,'{"site":"a later site"}','{"asked":"b_second"}',NULL,NULL,2,2,2,0,0,0,0,0,0,1172835.0,1172855.0,1172865.0,29,0);
INSERT INTO "batches" VALUES(4,'b_third','generate','ada','test','room-7','processing',NULL,'{"site":"site of b_third"}','{"asked":"b_third"}',NULL,NULL,3,2,0,0,0,0,2,0,0,1172870.0,1172905.0,NULL,47,0);
INSERT INTO "batches" VALUES(5,'b_failed','generate','ada','test','room-7','failed',NULL,'{}','{}',NULL,NULL,1,1,1,0,0,0,0,1,0,1172910.0,1172910.0,1172920.0,54,0);
INSERT INTO "batches" VALUES(6,'b_cancelled','generate','ada','test','room-7','cancelled','enough','{}','{}',NULL,NULL,2,1,0,0,0,1,0,0,1,1172925.0,NULL,1172945.0,65,0);
INSERT INTO "batches" VALUES(7,'b_paused','generate','ada','test','room-7','paused','the key was refused','{"model":"near"}','{}','key of b_paused',NULL,2,2,0,0,0,0,2,0,0,1172950.0,1172970.0,NULL,78,0);
INSERT INTO "batches" VALUES(8,'b_keyless','generate','ada','test','room-7','pending',NULL,'{}','{}',NULL,NULL,2,1,0,0,0,0,1,0,0,1172980.0,NULL,NULL,86,0);
INSERT INTO "batches" VALUES(9,'b_keyed','generate','ada','test','room-7','pending',NULL,'{}','{}','a key of two','b_second',1,1,0,0,0,0,1,0,0,1172990.0,NULL,NULL,85,0);
INSERT INTO "batches" VALUES(10,'b_stopping','generate','ada','test','room-7','pending','enough','{}','{}',NULL,NULL,1,1,0,0,0,1,1,0,1,1173000.0,NULL,NULL,90,0);
INSERT INTO "batches" VALUES(11,'b_shares','generate','ada','test','room-7','pending',NULL,'{}','{}',NULL,NULL,1,1,0,0,0,0,1,0,0,1173010.0,NULL,NULL,92,0);
INSERT INTO "batches" VALUES(12,'b_waits','generate','ada','test','room-7','pending',NULL,'{}','{}',NULL,NULL,1,1,0,0,0,0,2,0,0,1173015.0,NULL,NULL,95,0);
INSERT INTO "batches" VALUES(13,'b_pending','generate','ada','test','room-7','pending',NULL,'{"site":"site of b_pending"}','{"asked":"b_pending"}','key of b_pending',NULL,1,2,0,0,0,0,2,0,0,1173020.0,NULL,NULL,97,0);
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "counters" VALUES('change',98);
INSERT INTO "counters" VALUES('last_claim_ms',1172980000);
INSERT INTO "counters" VALUES('newest_job',2);
CREATE TABLE entities (
    type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    current INTEGER NOT NULL REFERENCES revisions (id),
    content_hash TEXT,
    withdrawn INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, entity_id)
) WITHOUT ROWID;
CREATE TABLE exports (
    page TEXT PRIMARY KEY,
    latest TEXT NOT NULL,
    previous TEXT
) WITHOUT ROWID;
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
CREATE TABLE identity (mark TEXT NOT NULL);
INSERT INTO "identity" VALUES('00000000000000000000000000000000');
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
INSERT INTO "jobs" VALUES(3,'b_completed.1','work','{"n":1}','menu/s0','completed',0,2,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172820.0,1172820.0,1172820.0,1172825.0,'w1.140300360909456.3.3','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(4,'b_completed.2','work','{"n":1}','menu/s1','completed',0,2,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172820.0,1172820.0,1172825.0,1172830.0,'w1.140300360909456.4.4','w1',NULL,'skipped','nothing to do',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(5,'b_second.1','work','{"n":1}','menu/s0','completed',0,3,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172835.0,1172835.0,1172835.0,1172840.0,'w1.140300360909456.5.5','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(6,'b_second.2','work','{"n":1}','menu/s1','completed',0,3,2,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172835.0,1172855.0,1172855.0,1172860.0,'w1.140300360909456.8.6','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(7,'b_second.3','work','{"n":1}','menu/s2','completed',0,3,2,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172835.0,1172855.0,1172860.0,1172865.0,'w1.140300360909456.9.7','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(8,'b_third.1','work','{"n":1}','menu/s0','completed',0,4,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172870.0,1172870.0,1172870.0,1172875.0,'w1.140300360909456.10.8','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(9,'b_third.2','work','{"n":1}','menu/s1','failed',0,4,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172870.0,1172870.0,1172875.0,1172880.0,'w1.140300360909456.11.9','w1',NULL,'conflict','it moved',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(10,'b_third.3','work','{"n":1}','menu/s2','processing',0,4,3,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1172870.0,1172905.0,1172905.0,NULL,'w1.140300360909456.14.10','w1',1172935.0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(11,'b_third.4','work','{"n":1}','menu/s3','pending',0,4,3,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1172870.0,1172905.0,NULL,NULL,NULL,'w1',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(12,'b_failed.1','work','{"n":1}','menu/s1','completed',10,5,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172910.0,1172910.0,1172910.0,1172915.0,'w1.140300360909456.15.12','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(13,'b_failed.2','work','{"n":1}','','failed',10,5,1,0,'ada','test','room-7','none',NULL,NULL,3,1,0,1172910.0,1172910.0,1172915.0,1172920.0,'w1.140300360909456.16.13','w1',NULL,'no','no file',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(14,'b_cancelled.1','work','{"n":1}','','cancelled',10,6,2,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1172925.0,1172940.0,NULL,1172945.0,NULL,'w1',NULL,'cancelled','enough',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(15,'b_cancelled.2','work','{"n":1}','','completed',10,6,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172925.0,1172925.0,1172930.0,1172935.0,'w1.140300360909456.18.15','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(16,'b_paused.1','work','{"n":1}','','paused',10,7,2,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1172950.0,1172970.0,1172970.0,NULL,'w1.140300360909456.22.16','w1',NULL,'paused','the key was refused',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(17,'b_paused.2','work','{"n":1}','','paused',10,7,2,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1172950.0,1172970.0,NULL,NULL,NULL,'w1',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(18,'b_paused.3','work','{"n":1}','','completed',10,7,1,1,'ada','test','room-7','none',NULL,NULL,3,1,0,1172950.0,1172950.0,1172960.0,1172965.0,'w1.140300360909456.21.18','w1',NULL,NULL,NULL,'{"ok":true}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(19,'b_keyless.1','work','{"n":1}','','pending',20,8,2,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1172980.0,1172995.0,NULL,NULL,NULL,'w1',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(20,'b_keyed.1','later','{"n":1}','','pending',0,9,1,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1172990.0,1172990.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(21,'b_stopping.1','later','{"n":1}','','cancelled',0,10,1,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1173000.0,1173000.0,NULL,1173005.0,NULL,NULL,NULL,'cancelled','enough',NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(22,'b_stopping.2','later','{"n":1}','','pending',0,10,1,0,'ada','test','room-7','none',NULL,NULL,3,0,0,1173000.0,1173000.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(23,'b_shares.1','later','{"n":1}','','pending',0,11,1,1,'ada','test','room-7','coalesce','page:menu',NULL,3,0,0,1173010.0,1173010.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(24,'b_waits.1','later','{"n":1}','','pending',0,12,1,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1173015.0,1173015.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(25,'b_pending.1','work','{"n":1}','menu/s0','pending',0,13,1,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1173020.0,1173020.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(26,'b_pending.2','work','{"n":1}','menu/s1','pending',0,13,1,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1173020.0,1173020.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(27,'j_alone','later','{"n":1}','','pending',0,NULL,1,1,'ada','test','room-7','none',NULL,NULL,3,0,0,1173025.0,1173025.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE requests (
    owner TEXT NOT NULL,
    request_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    batch INTEGER NOT NULL REFERENCES batches (id),
    created_at REAL NOT NULL,
    PRIMARY KEY (owner, request_key)
) WITHOUT ROWID;
INSERT INTO "requests" VALUES('ada','r1','d1',2,1172820.0);
INSERT INTO "requests" VALUES('ada','r2','d2',13,1173020.0);
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
INSERT INTO "rounds" VALUES(1,1,'completed','{"site":"site of b_forgotten"}',2,2,0,0,0,1000005.0,1000015.0,7);
INSERT INTO "rounds" VALUES(2,1,'completed','{"site":"site of b_completed"}',2,2,1,0,0,1172820.0,1172830.0,14);
INSERT INTO "rounds" VALUES(3,1,'failed','{"site":"site of b_second"}',3,1,0,2,0,1172835.0,1172850.0,23);
INSERT INTO "rounds" VALUES(3,2,'completed','{"site":"a later site"}',2,2,0,0,0,1172855.0,1172865.0,29);
INSERT INTO "rounds" VALUES(4,1,'failed','{"site":"site of b_third"}',4,1,0,3,0,1172870.0,1172890.0,40);
INSERT INTO "rounds" VALUES(4,2,'cancelled','{"site":"site of b_third"}',2,0,0,0,2,NULL,1172900.0,45);
INSERT INTO "rounds" VALUES(5,1,'failed','{}',1,1,0,0,0,1172910.0,1172920.0,54);
INSERT INTO "rounds" VALUES(6,1,'failed','{}',2,1,0,1,0,1172925.0,1172935.0,61);
INSERT INTO "rounds" VALUES(6,2,'cancelled','{}',1,0,0,0,1,NULL,1172945.0,65);
INSERT INTO "rounds" VALUES(7,1,'failed','{"model":"far"}',3,1,0,2,0,1172950.0,1172965.0,74);
INSERT INTO "rounds" VALUES(8,1,'failed','{}',1,0,0,1,0,1172980.0,1172985.0,83);
CREATE TABLE sites (
    hash TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX batches_submit_key ON batches (submit_key)
WHERE submit_key IS NOT NULL AND state IN ('pending', 'processing', 'paused') AND stopping = 0;
CREATE INDEX batches_about ON batches (about) WHERE about IS NOT NULL;
CREATE INDEX batches_unfinished ON batches (id)
WHERE state IN ('pending', 'processing', 'paused');
CREATE INDEX batches_change ON batches (change);
CREATE INDEX jobs_scheduled ON jobs (due_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'processing';
CREATE INDEX jobs_of_batch ON jobs (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX jobs_alone_ended ON jobs (ended_at)
WHERE batch IS NULL AND ended_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_skip ON jobs (dedup_key)
WHERE dedup = 'skip' AND state IN ('scheduled', 'pending', 'processing', 'paused');
CREATE INDEX revisions_history ON revisions (type, entity_id, id);
CREATE INDEX revisions_of_batch ON revisions (batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_stopped ON jobs (batch, state, id, kind)
WHERE state IN ('paused', 'failed', 'cancelled');
CREATE UNIQUE INDEX jobs_waiting ON jobs (dedup_key)
WHERE dedup IN ('coalesce', 'replace') AND state IN ('scheduled', 'pending', 'paused');
CREATE INDEX jobs_alone ON jobs (owner, id) WHERE batch IS NULL;
CREATE INDEX jobs_alone_unfinished ON jobs (owner, id)
WHERE batch IS NULL AND state IN ('scheduled', 'pending', 'processing', 'paused');
CREATE INDEX jobs_requiring ON jobs (requires) WHERE requires IS NOT NULL AND state = 'pending';
CREATE INDEX batches_to_prune ON batches (pruned, state, ended_at)
WHERE pruned < 2 AND ended_at IS NOT NULL;
CREATE INDEX jobs_key ON jobs (dedup_key, dedup, batch) WHERE dedup_key IS NOT NULL;
CREATE INDEX jobs_ready ON jobs (kind, requires, priority DESC, id) WHERE state = 'pending';
COMMIT;
PRAGMA user_version = 4;
