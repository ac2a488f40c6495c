BEGIN TRANSACTION;
CREATE TABLE awaited (
    job INTEGER NOT NULL REFERENCES jobs (id),
    batch INTEGER NOT NULL REFERENCES batches (id),
    PRIMARY KEY (job, batch)
) WITHOUT ROWID;
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
INSERT INTO "batches" VALUES(1,'b_01m8kphzrnjmgssepb5g43tcdv','generate','local','test',NULL,'completed',NULL,'{"model":"composer","modelUrl":null,"site":"654afb53e9a7f1cad7a4c35396f79587"}','{"asked":"21d330e5d2c07330356eeefc9e048965"}','459a8eff1128451e945279976fa7d6ef',NULL,1,3,3,0,0,0,0,0,0,1.79595752219761967656e+09,1.79595752221834301944e+09,1.7959575222476241588e+09,8,0);
INSERT INTO "batches" VALUES(2,'b_01m8kpj00wmf4wnssj4837d955','promote','local','test',NULL,'completed',NULL,'{"site":"654afb53e9a7f1cad7a4c35396f79587"}','{"asked":"51676427de1b5e7e004131a330864c62"}','8cf7ff513758170e414fc73ea02f7521',NULL,1,2,2,0,0,0,0,0,0,1.79595752246148300168e+09,1.79595752246171545983e+09,1.79595752251194381706e+09,20,0);
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "counters" VALUES('change',20);
INSERT INTO "counters" VALUES('last_claim_ms',1795957522495);
INSERT INTO "counters" VALUES('newest_job',0);
CREATE TABLE entities (
    type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    current INTEGER NOT NULL REFERENCES revisions (id),
    content_hash TEXT,
    withdrawn INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (type, entity_id)
) WITHOUT ROWID;
INSERT INTO "entities" VALUES('site-content-preview','about/s1',3,'99902431f99b439655fe426bd0a162e4',0);
INSERT INTO "entities" VALUES('site-content-preview','menu/s1',1,'56785ea83cf179e9c9d024a29e5630d5',0);
INSERT INTO "entities" VALUES('site-content-preview','menu/s2',2,'c1eff14e8f644fc12c6fc807770cc10c',0);
INSERT INTO "entities" VALUES('site-content-production','menu/s1',4,'56785ea83cf179e9c9d024a29e5630d5',0);
INSERT INTO "entities" VALUES('site-content-production','menu/s2',5,'c1eff14e8f644fc12c6fc807770cc10c',0);
CREATE TABLE exports (
    page TEXT PRIMARY KEY,
    latest TEXT NOT NULL,
    previous TEXT
) WITHOUT ROWID;
INSERT INTO "exports" VALUES('menu','bd7c4c79f0b5541919fda4dd7f1ade1d','69a5d5b197fa26a17ed829a36f16bd1e');
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
INSERT INTO "jobs" VALUES(1,'j_01m8kphzrn8ga2t8ctgh6tgdqd','content-generate','{"section":"menu/s1","mode":"leave","instructions":""}','menu/s1','completed',0,1,1,1,'local','test',NULL,'skip','draft:menu/s1',NULL,3,1,0,1.79595752219761967656e+09,1.79595752219761967656e+09,1.79595752221834301944e+09,1.79595752223969459533e+09,'a_01m8kphzsaqj0a8mt3jtzj02w0.1','h_01m8kphzs2awhga0ma293vj1hx',NULL,NULL,NULL,'{"section":"menu/s1","words":9}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(2,'j_01m8kphzrn5tx6g8s0c9kkjwr8','content-generate','{"section":"menu/s2","mode":"leave","instructions":""}','menu/s2','completed',0,1,1,1,'local','test',NULL,'skip','draft:menu/s2',NULL,3,1,0,1.79595752219761967656e+09,1.79595752219761967656e+09,1.79595752221834301944e+09,1.7959575222476241588e+09,'a_01m8kphzsaqj0a8mt3jtzj02w0.2','h_01m8kphzs2awhga0ma293vj1hx',NULL,NULL,NULL,'{"section":"menu/s2","words":9}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(3,'j_01m8kphzrnj6n5ba6ag12gyztn','content-generate','{"section":"about/s1","mode":"leave","instructions":""}','about/s1','completed',0,1,1,1,'local','test',NULL,'skip','draft:about/s1',NULL,3,1,0,1.79595752219761967656e+09,1.79595752219761967656e+09,1.79595752221834301944e+09,1.7959575222476241588e+09,'a_01m8kphzsaqj0a8mt3jtzj02w0.3','h_01m8kphzs2awhga0ma293vj1hx',NULL,NULL,NULL,'{"section":"about/s1","words":9}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(4,'j_01m8kpj00xk36qnh10w2v56k6d','content-promote','{"section":"menu/s1","draft":"56785ea83cf179e9c9d024a29e5630d5","expect":"base"}','menu/s1','completed',10,2,1,1,'local','test',NULL,'skip','change:menu/s1',NULL,3,1,0,1.79595752246148300168e+09,1.79595752246148300168e+09,1.79595752246171545983e+09,1.7959575224697380066e+09,'a_01m8kphztewmdr4qj251pgmp06.4','h_01m8kphzs2awhga0ma293vj1hx',NULL,NULL,NULL,'{"section":"menu/s1"}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(5,'j_01m8kpj00xxwkhcebpc3f67ewz','content-promote','{"section":"menu/s2","draft":"c1eff14e8f644fc12c6fc807770cc10c","expect":"base"}','menu/s2','completed',10,2,1,1,'local','test',NULL,'skip','change:menu/s2',NULL,3,1,0,1.79595752246148300168e+09,1.79595752246148300168e+09,1.79595752246171545983e+09,1.79595752247649717331e+09,'a_01m8kphztewmdr4qj251pgmp06.5','h_01m8kphzs2awhga0ma293vj1hx',NULL,NULL,NULL,'{"section":"menu/s2"}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(6,'j_01m8kpj017raejwadps5y9tywd','content-export','{"page":"menu"}','menu','completed',10,2,1,0,'local','test',NULL,'coalesce','export:menu',NULL,3,1,0,1.7959575224697380066e+09,1.7959575224697380066e+09,1.7959575224697380066e+09,1.79595752249551630017e+09,'a_01m8kpj015qm45tzf6d39zrw7d.6','h_01m8kphzs2awhga0ma293vj1hx',NULL,NULL,NULL,'{"file":"content/menu.md","removed":false}',3.0,3.0,'writing content/menu.md');
INSERT INTO "jobs" VALUES(7,'j_01m8kpj01exk02dd355e39ejra','content-export','{"page":"menu"}','menu','completed',10,2,1,0,'local','test',NULL,'coalesce','export:menu',NULL,3,1,0,1.79595752247649717331e+09,1.79595752247649717331e+09,1.79595752249551630017e+09,1.79595752251194381706e+09,'a_01m8kpj01wb9dz8nyv8xhertcw.7','h_01m8kphzs2awhga0ma293vj1hx',NULL,NULL,NULL,'{"file":"content/menu.md","removed":false}',3.0,3.0,'writing content/menu.md');
CREATE TABLE requests (
    owner TEXT NOT NULL,
    request_key TEXT NOT NULL,
    digest TEXT NOT NULL,
    batch INTEGER NOT NULL REFERENCES batches (id),
    created_at REAL NOT NULL,
    PRIMARY KEY (owner, request_key)
) WITHOUT ROWID;
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
INSERT INTO "revisions" VALUES(1,'site-content-preview','menu/s1','note','{"text":"Ada''s notes: note 1 of menu","title":"Menu 1"}','## Menu 1

Ada''s notes: note 1 of menu','56785ea83cf179e9c9d024a29e5630d5',NULL,'composer','composer','b_01m8kphzrnjmgssepb5g43tcdv','j_01m8kphzrn8ga2t8ctgh6tgdqd','654afb53e9a7f1cad7a4c35396f79587','b2da8f4fbba2855b7edc71cfc62a8c42',NULL,NULL,NULL,1,1.79595752223969459533e+09);
INSERT INTO "revisions" VALUES(2,'site-content-preview','menu/s2','note','{"text":"Ada''s notes: note 2 of menu","title":"Menu 2"}','## Menu 2

Ada''s notes: note 2 of menu','c1eff14e8f644fc12c6fc807770cc10c',NULL,'composer','composer','b_01m8kphzrnjmgssepb5g43tcdv','j_01m8kphzrn5tx6g8s0c9kkjwr8','654afb53e9a7f1cad7a4c35396f79587','fd86bc4f1aa08dfa1cf740532ee47546',NULL,NULL,NULL,1,1.7959575222476241588e+09);
INSERT INTO "revisions" VALUES(3,'site-content-preview','about/s1','note','{"text":"Ada''s notes: note 1 of about","title":"About 1"}','## About 1

Ada''s notes: note 1 of about','99902431f99b439655fe426bd0a162e4',NULL,'composer','composer','b_01m8kphzrnjmgssepb5g43tcdv','j_01m8kphzrnj6n5ba6ag12gyztn','654afb53e9a7f1cad7a4c35396f79587','570d3de970d3dcd681a537eaaabadb15',NULL,NULL,NULL,1,1.7959575222476241588e+09);
INSERT INTO "revisions" VALUES(4,'site-content-production','menu/s1','note','{"text":"Ada''s notes: note 1 of menu","title":"Menu 1"}','## Menu 1

Ada''s notes: note 1 of menu','56785ea83cf179e9c9d024a29e5630d5',NULL,'composer','composer','b_01m8kpj00wmf4wnssj4837d955','j_01m8kpj00xk36qnh10w2v56k6d','654afb53e9a7f1cad7a4c35396f79587','b2da8f4fbba2855b7edc71cfc62a8c42',NULL,NULL,NULL,1,1.7959575224697380066e+09);
INSERT INTO "revisions" VALUES(5,'site-content-production','menu/s2','note','{"text":"Ada''s notes: note 2 of menu","title":"Menu 2"}','## Menu 2

Ada''s notes: note 2 of menu','c1eff14e8f644fc12c6fc807770cc10c',NULL,'composer','composer','b_01m8kpj00wmf4wnssj4837d955','j_01m8kpj00xxwkhcebpc3f67ewz','654afb53e9a7f1cad7a4c35396f79587','fd86bc4f1aa08dfa1cf740532ee47546',NULL,NULL,NULL,1,1.79595752247649717331e+09);
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
INSERT INTO "rounds" VALUES(1,1,'completed','{"model":"composer","modelUrl":null,"site":"654afb53e9a7f1cad7a4c35396f79587"}',3,3,0,0,0,1.79595752221834301944e+09,1.7959575222476241588e+09,8);
INSERT INTO "rounds" VALUES(2,1,'completed','{"site":"654afb53e9a7f1cad7a4c35396f79587"}',2,2,0,0,0,1.79595752246171545983e+09,1.79595752251194381706e+09,20);
CREATE TABLE sites (
    hash TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "sites" VALUES('654afb53e9a7f1cad7a4c35396f79587','{"title":"Notes","description":"A site of notes.","language":"en","facts":{"name":"Ada''s notes"},"pages":[{"id":"menu","title":"Menu","description":"","sections":[{"page":"menu","id":"s1","template":"note","brief":"note 1 of menu","text":null,"facts":{"title":"Menu 1"}},{"page":"menu","id":"s2","template":"note","brief":"note 2 of menu","text":null,"facts":{"title":"Menu 2"}}]},{"id":"about","title":"About","description":"","sections":[{"page":"about","id":"s1","template":"note","brief":"note 1 of about","text":null,"facts":{"title":"About 1"}}]}],"templates":{"note":{"name":"note","prompt":"Write a short note.","fields":[{"name":"text","type":"text","description":"","required":true,"length_max":0,"items_min":0,"items_max":50,"choices":[],"of":[]},{"name":"title","type":"line","description":"","required":true,"length_max":0,"items_min":0,"items_max":50,"choices":[],"of":[]}],"format":"## {title}\n\n{text}","title":"","phrases":{"text":["{facts.name}: {brief}"],"title":["{section.facts.title}"]}}}}');
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
PRAGMA user_version = 3;
