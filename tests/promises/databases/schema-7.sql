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
    details TEXT NOT NULL,
    -- The batch that this one is about, such as the one it takes back.
    about TEXT,
    -- The number of its present round, the newest.
    round INTEGER NOT NULL DEFAULT 1,
    created_at REAL NOT NULL
);
INSERT INTO "batches" VALUES(1,'b_01m8pdkp3hjj1g7xa8h61mjbsj','generate','local','test',NULL,'{"asked":"c13ecc06a859448fa21850504d5381b7"}',NULL,1,1.79604880395407128339e+09);
INSERT INTO "batches" VALUES(2,'b_01m8pdm0n4gnt4yr1thjscyayv','promote','local','test',NULL,'{"asked":"51676427de1b5e7e004131a330864c62"}',NULL,1,1.7960488147728393078e+09);
INSERT INTO "batches" VALUES(3,'b_01m8pdm1n3r3b6chxz80q2p0by','generate','local','test',NULL,'{"asked":"c13ecc06a859448fa21850504d5381b7"}',NULL,1,1.79604881578079605105e+09);
INSERT INTO "batches" VALUES(4,'b_01m8pdm1thntxt8nzpwyvf6mzm','promote','local','test',NULL,'{"asked":"51676427de1b5e7e004131a330864c62"}',NULL,1,1.796048815953788042e+09);
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "counters" VALUES('change',38);
INSERT INTO "counters" VALUES('last_claim_ms',1796048816053);
INSERT INTO "counters" VALUES('newest_job',0);
CREATE TABLE entities (
    type TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    current INTEGER NOT NULL REFERENCES revisions (id),
    content_hash TEXT,
    withdrawn INTEGER NOT NULL DEFAULT 0, base TEXT,
    PRIMARY KEY (type, entity_id)
) WITHOUT ROWID;
INSERT INTO "entities" VALUES('site-content-preview','menu/s1',1,'0dd67d7fdaf69ae764edbb2e00ecdd06',0,NULL);
INSERT INTO "entities" VALUES('site-content-preview','menu/s2',4,'7e3afc7127196f4e58b224bd86a0700e',0,NULL);
INSERT INTO "entities" VALUES('site-content-preview','menu/s3',9,'c94075316a9137b4f8f11d6c270cb5c5',0,'6fe3279480c7d9361e44bccf33f207f6');
INSERT INTO "entities" VALUES('site-content-preview','news/s1',2,'758e0c4606ed3eb914e4ce0d0b7fd4b4',0,NULL);
INSERT INTO "entities" VALUES('site-content-production','menu/s1',6,'0dd67d7fdaf69ae764edbb2e00ecdd06',0,NULL);
INSERT INTO "entities" VALUES('site-content-production','menu/s2',5,'7e3afc7127196f4e58b224bd86a0700e',0,NULL);
INSERT INTO "entities" VALUES('site-content-production','menu/s3',10,'c94075316a9137b4f8f11d6c270cb5c5',0,'6fe3279480c7d9361e44bccf33f207f6');
INSERT INTO "entities" VALUES('site-content-production','news/s1',7,'758e0c4606ed3eb914e4ce0d0b7fd4b4',0,NULL);
CREATE TABLE exports (
    page TEXT PRIMARY KEY,
    latest TEXT NOT NULL,
    previous TEXT
) WITHOUT ROWID;
INSERT INTO "exports" VALUES('menu','510a6193da58b8bb90658083f9e27c27','d88efa4664f9c130c3a1bce14214df3f');
INSERT INTO "exports" VALUES('news','7131463002714800b1df7048d5e2c966',NULL);
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
INSERT INTO "identity" VALUES('f4658738134993bca07a4c066c5cdefd');
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
INSERT INTO "jobs" VALUES(1,'j_01m8pdkp3hnsgjz556a1d3neth','content-generate','{"section":"menu/s1","mode":"new","instructions":""}','menu/s1','completed',0,1,1,1,'local','test',NULL,'skip','draft:menu/s1',NULL,3,1,0,1.79604880395407128339e+09,1.79604880395407128339e+09,1.79604880408405828476e+09,1.79604881162314510348e+09,'a_01m8pdkp7k4t5pez40bf71v9wd.1','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s1","words":6}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(2,'j_01m8pdkp3hfmhjhzqtpjg4t2wt','content-generate','{"section":"menu/s2","mode":"new","instructions":""}','menu/s2','completed',0,1,1,1,'local','test',NULL,'skip','draft:menu/s2',NULL,3,1,0,1.79604880395407128339e+09,1.79604880395407128339e+09,1.79604880408405828476e+09,1.7960488116975557804e+09,'a_01m8pdkp7k4t5pez40bf71v9wd.2','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s2","words":6}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(3,'j_01m8pdkp3h5jbtexme322azcdf','content-generate','{"section":"menu/s3","mode":"new","instructions":""}','menu/s3','completed',0,1,1,1,'local','test',NULL,'skip','draft:menu/s3',NULL,3,1,0,1.79604880395407128339e+09,1.79604880395407128339e+09,1.79604880408405828476e+09,1.7960488116975557804e+09,'a_01m8pdkp7k4t5pez40bf71v9wd.3','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s3","words":6}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(4,'j_01m8pdkp3hpce8she9ew35havq','content-generate','{"section":"news/s1","mode":"new","instructions":""}','news/s1','completed',0,1,1,1,'local','test',NULL,'skip','draft:news/s1',NULL,3,1,0,1.79604880395407128339e+09,1.79604880395407128339e+09,1.79604880408405828476e+09,1.7960488116975557804e+09,'a_01m8pdkp7k4t5pez40bf71v9wd.4','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"news/s1","words":6}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(5,'j_01m8pdm0n44xdn16p5kbgz24dc','content-promote','{"section":"menu/s1","draft":"0dd67d7fdaf69ae764edbb2e00ecdd06","expect":"base"}','menu/s1','completed',10,2,1,1,'local','test',NULL,'skip','change:menu/s1',NULL,3,1,0,1.7960488147728393078e+09,1.7960488147728393078e+09,1.79604881482952451711e+09,1.79604881493809604648e+09,'a_01m8pdm0nn43gx2qfjmv4b0nm8.5','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s1"}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(6,'j_01m8pdm0n4v2pqbn8krkd7r02r','content-promote','{"section":"menu/s2","draft":"7e3afc7127196f4e58b224bd86a0700e","expect":"base"}','menu/s2','completed',10,2,1,1,'local','test',NULL,'skip','change:menu/s2',NULL,3,1,0,1.7960488147728393078e+09,1.7960488147728393078e+09,1.79604881482952451711e+09,1.79604881493809604648e+09,'a_01m8pdm0nn43gx2qfjmv4b0nm8.6','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s2"}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(7,'j_01m8pdm0n4ac82k2f62exj2td3','content-promote','{"section":"menu/s3","draft":"6fe3279480c7d9361e44bccf33f207f6","expect":"base"}','menu/s3','completed',10,2,1,1,'local','test',NULL,'skip','change:menu/s3',NULL,3,1,0,1.7960488147728393078e+09,1.7960488147728393078e+09,1.79604881482952451711e+09,1.79604881493809604648e+09,'a_01m8pdm0nn43gx2qfjmv4b0nm8.7','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s3"}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(8,'j_01m8pdm0n5y888yz8k4brt9vsp','content-promote','{"section":"news/s1","draft":"758e0c4606ed3eb914e4ce0d0b7fd4b4","expect":"base"}','news/s1','completed',10,2,1,1,'local','test',NULL,'skip','change:news/s1',NULL,3,1,0,1.7960488147728393078e+09,1.7960488147728393078e+09,1.79604881482952451711e+09,1.79604881493809604648e+09,'a_01m8pdm0nn43gx2qfjmv4b0nm8.8','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"news/s1"}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(9,'j_01m8pdm0wx4fsnbtwcv0e66zx6','content-export','{"page":"menu"}','menu','completed',10,2,1,0,'local','test',NULL,'coalesce','export:menu',NULL,3,1,0,1.79604881493809604648e+09,1.79604881493809604648e+09,1.79604881493809604648e+09,1.79604881523736858365e+09,'a_01m8pdm0tt91q1dpa2g0mbgzfy.9','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"file":"content/menu.md","removed":false}',3.0,3.0,'writing content/menu.md');
INSERT INTO "jobs" VALUES(10,'j_01m8pdm0y4wp80ytyhhs8010ve','content-export','{"page":"news"}','news','completed',10,2,1,0,'local','test',NULL,'coalesce','export:news',NULL,3,1,0,1.79604881493809604648e+09,1.79604881493809604648e+09,1.79604881493809604648e+09,1.79604881525307941442e+09,'a_01m8pdm0tt91q1dpa2g0mbgzfy.10','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"file":"content/news.md","removed":false}',3.0,3.0,'writing content/news.md');
INSERT INTO "jobs" VALUES(11,'j_01m8pdm1n3ym51wbhc63eb8fcm','content-generate','{"section":"menu/s3","mode":"new","instructions":"","draft":"6fe3279480c7d9361e44bccf33f207f6"}','menu/s3','completed',0,3,1,1,'local','test',NULL,'skip','draft:menu/s3',NULL,3,1,0,1.79604881578079605105e+09,1.79604881578079605105e+09,1.79604881578095507618e+09,1.79604881585725402828e+09,'a_01m8pdm1n2a0tht2ye37gq5ej9.11','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s3","words":7}',3.0,3.0,'checking');
INSERT INTO "jobs" VALUES(12,'j_01m8pdm1th2pr69jq7w87fw4gw','content-promote','{"section":"menu/s3","draft":"c94075316a9137b4f8f11d6c270cb5c5","base":"6fe3279480c7d9361e44bccf33f207f6","live":"6fe3279480c7d9361e44bccf33f207f6","expect":"base"}','menu/s3','completed',10,4,1,1,'local','test',NULL,'skip','change:menu/s3',NULL,3,1,0,1.796048815953788042e+09,1.796048815953788042e+09,1.79604881595394659044e+09,1.79604881605352067943e+09,'a_01m8pdm1r5hj3b6a8jadem5bc7.12','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"section":"menu/s3"}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(13,'j_01m8pdm1xprr1dew2wyh20y6hd','content-export','{"page":"menu"}','menu','completed',10,4,1,0,'local','test',NULL,'coalesce','export:menu',NULL,3,1,0,1.79604881605352067943e+09,1.79604881605352067943e+09,1.79604881605352067943e+09,1.79604881625321650506e+09,'a_01m8pdm1xn4psmbe2mj4hewy16.13','h_01m8pdkp5dqv6e0xg1rvqve8wy',NULL,NULL,NULL,'{"file":"content/menu.md","removed":false}',3.0,3.0,'writing content/menu.md');
CREATE TABLE materials (
    hash TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    stored_at REAL NOT NULL
) WITHOUT ROWID;
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
, instructions TEXT NOT NULL DEFAULT '', material TEXT, findings TEXT, withdrawn INTEGER NOT NULL DEFAULT 0);
INSERT INTO "revisions" VALUES(1,'site-content-preview','menu/s1','note','{"text":"Ada''s notes: one","title":"Menu 1"}','## Menu 1

Ada''s notes: one','0dd67d7fdaf69ae764edbb2e00ecdd06',NULL,'composer','composer','b_01m8pdkp3hjj1g7xa8h61mjbsj','j_01m8pdkp3hnsgjz556a1d3neth','99bd6cb42d3be4b38e519f5dc3c478b2','accd7394021d56734d7a0ccb4ecd7a54',NULL,NULL,NULL,1,1.79604881162314510348e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(2,'site-content-preview','news/s1','note','{"text":"Ada''s notes: one","title":"News 1"}','## News 1

Ada''s notes: one','758e0c4606ed3eb914e4ce0d0b7fd4b4',NULL,'composer','composer','b_01m8pdkp3hjj1g7xa8h61mjbsj','j_01m8pdkp3hpce8she9ew35havq','99bd6cb42d3be4b38e519f5dc3c478b2','5c3d1a4f35d062e4056a1fe95a226de4',NULL,NULL,NULL,1,1.7960488116975557804e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(3,'site-content-preview','menu/s3','note','{"text":"Ada''s notes: three","title":"Menu 3"}','## Menu 3

Ada''s notes: three','6fe3279480c7d9361e44bccf33f207f6',NULL,'composer','composer','b_01m8pdkp3hjj1g7xa8h61mjbsj','j_01m8pdkp3h5jbtexme322azcdf','99bd6cb42d3be4b38e519f5dc3c478b2','8ebfb4e3513b43e3dce111360972ae19',NULL,NULL,NULL,1,1.7960488116975557804e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(4,'site-content-preview','menu/s2','note','{"text":"Ada''s notes: two","title":"Menu 2"}','## Menu 2

Ada''s notes: two','7e3afc7127196f4e58b224bd86a0700e',NULL,'composer','composer','b_01m8pdkp3hjj1g7xa8h61mjbsj','j_01m8pdkp3hfmhjhzqtpjg4t2wt','99bd6cb42d3be4b38e519f5dc3c478b2','629e939d160d1c3302598c7e04edc027',NULL,NULL,NULL,1,1.7960488116975557804e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(5,'site-content-production','menu/s2','note','{"text":"Ada''s notes: two","title":"Menu 2"}','## Menu 2

Ada''s notes: two','7e3afc7127196f4e58b224bd86a0700e',NULL,'composer','composer','b_01m8pdm0n4gnt4yr1thjscyayv','j_01m8pdm0n4v2pqbn8krkd7r02r','99bd6cb42d3be4b38e519f5dc3c478b2','629e939d160d1c3302598c7e04edc027',NULL,NULL,NULL,1,1.79604881493809604648e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(6,'site-content-production','menu/s1','note','{"text":"Ada''s notes: one","title":"Menu 1"}','## Menu 1

Ada''s notes: one','0dd67d7fdaf69ae764edbb2e00ecdd06',NULL,'composer','composer','b_01m8pdm0n4gnt4yr1thjscyayv','j_01m8pdm0n44xdn16p5kbgz24dc','99bd6cb42d3be4b38e519f5dc3c478b2','accd7394021d56734d7a0ccb4ecd7a54',NULL,NULL,NULL,1,1.79604881493809604648e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(7,'site-content-production','news/s1','note','{"text":"Ada''s notes: one","title":"News 1"}','## News 1

Ada''s notes: one','758e0c4606ed3eb914e4ce0d0b7fd4b4',NULL,'composer','composer','b_01m8pdm0n4gnt4yr1thjscyayv','j_01m8pdm0n5y888yz8k4brt9vsp','99bd6cb42d3be4b38e519f5dc3c478b2','5c3d1a4f35d062e4056a1fe95a226de4',NULL,NULL,NULL,1,1.79604881493809604648e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(8,'site-content-production','menu/s3','note','{"text":"Ada''s notes: three","title":"Menu 3"}','## Menu 3

Ada''s notes: three','6fe3279480c7d9361e44bccf33f207f6',NULL,'composer','composer','b_01m8pdm0n4gnt4yr1thjscyayv','j_01m8pdm0n4ac82k2f62exj2td3','99bd6cb42d3be4b38e519f5dc3c478b2','8ebfb4e3513b43e3dce111360972ae19',NULL,NULL,NULL,1,1.79604881493809604648e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(9,'site-content-preview','menu/s3','note','{"text":"Ada''s notes: three again","title":"Menu 3"}','## Menu 3

Ada''s notes: three again','c94075316a9137b4f8f11d6c270cb5c5','6fe3279480c7d9361e44bccf33f207f6','composer','composer','b_01m8pdm1n3r3b6chxz80q2p0by','j_01m8pdm1n3ym51wbhc63eb8fcm','da0d1a6b387504900d0825e8a68c092e','25033f31c6cef26fafe14b2d76f6497f',NULL,NULL,NULL,1,1.79604881585725402828e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
INSERT INTO "revisions" VALUES(10,'site-content-production','menu/s3','note','{"text":"Ada''s notes: three again","title":"Menu 3"}','## Menu 3

Ada''s notes: three again','c94075316a9137b4f8f11d6c270cb5c5','6fe3279480c7d9361e44bccf33f207f6','composer','composer','b_01m8pdm1thntxt8nzpwyvf6mzm','j_01m8pdm1th2pr69jq7w87fw4gw','da0d1a6b387504900d0825e8a68c092e','25033f31c6cef26fafe14b2d76f6497f',NULL,NULL,NULL,1,1.79604881605352067943e+09,'',NULL,'[{"kind":"placeholder","level":"noted","piece":""}]',0);
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
INSERT INTO "rounds" VALUES(1,1,'completed',NULL,'{"budget":{"answer_tokens":16000},"model":"composer","modelUrl":null,"site":"99bd6cb42d3be4b38e519f5dc3c478b2"}','1f53b51166abd15afa43650cd87b3f29',4,4,0,0,0,0,0,0,0,1.79604880408405828476e+09,1.7960488116975557804e+09,10);
INSERT INTO "rounds" VALUES(2,1,'completed',NULL,'{"site":"99bd6cb42d3be4b38e519f5dc3c478b2"}','040d1d3103b924789ea81dce5ad4f9f4',4,4,0,0,0,0,0,0,0,1.79604881482952451711e+09,1.79604881525307941442e+09,24);
INSERT INTO "rounds" VALUES(3,1,'completed',NULL,'{"budget":{"answer_tokens":16000},"model":"composer","modelUrl":null,"site":"da0d1a6b387504900d0825e8a68c092e"}','068a050ed75e402eabc558bc36659189',1,1,0,0,0,0,0,0,0,1.79604881578095507618e+09,1.79604881585725402828e+09,29);
INSERT INTO "rounds" VALUES(4,1,'completed',NULL,'{"site":"da0d1a6b387504900d0825e8a68c092e"}','e652c51b3ede722876ae10643d882c91',1,1,0,0,0,0,0,0,0,1.79604881595394659044e+09,1.79604881625321650506e+09,38);
CREATE TABLE sites (
    hash TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "sites" VALUES('99bd6cb42d3be4b38e519f5dc3c478b2','{"title":"Notes","description":"A site of notes.","language":"en","facts":{"name":"Ada''s notes"},"pages":[{"id":"menu","title":"Menu","description":"","sections":[{"page":"menu","id":"s1","template":"note","brief":"one","text":null,"facts":{"title":"Menu 1"},"locked":false},{"page":"menu","id":"s2","template":"note","brief":"two","text":null,"facts":{"title":"Menu 2"},"locked":false},{"page":"menu","id":"s3","template":"note","brief":"three","text":null,"facts":{"title":"Menu 3"},"locked":false}],"locked":false},{"id":"news","title":"News","description":"","sections":[{"page":"news","id":"s1","template":"note","brief":"one","text":null,"facts":{"title":"News 1"},"locked":false}],"locked":false}],"templates":{"note":{"name":"note","prompt":"Write a short note.","fields":[{"name":"text","type":"text","description":"","required":true,"length_max":0,"items_min":0,"items_max":50,"choices":[],"of":[]},{"name":"title","type":"line","description":"","required":true,"length_max":0,"items_min":0,"items_max":50,"choices":[],"of":[]}],"format":"## {title}\n\n{text}","title":"","phrases":{"text":["{facts.name}: {brief}"],"title":["{section.facts.title}"]}}}}');
INSERT INTO "sites" VALUES('da0d1a6b387504900d0825e8a68c092e','{"title":"Notes","description":"A site of notes.","language":"en","facts":{"name":"Ada''s notes"},"pages":[{"id":"menu","title":"Menu","description":"","sections":[{"page":"menu","id":"s1","template":"note","brief":"one","text":null,"facts":{"title":"Menu 1"},"locked":false},{"page":"menu","id":"s2","template":"note","brief":"two","text":null,"facts":{"title":"Menu 2"},"locked":false},{"page":"menu","id":"s3","template":"note","brief":"three again","text":null,"facts":{"title":"Menu 3"},"locked":false}],"locked":false},{"id":"news","title":"News","description":"","sections":[{"page":"news","id":"s1","template":"note","brief":"one","text":null,"facts":{"title":"News 1"},"locked":false}],"locked":false}],"templates":{"note":{"name":"note","prompt":"Write a short note.","fields":[{"name":"text","type":"text","description":"","required":true,"length_max":0,"items_min":0,"items_max":50,"choices":[],"of":[]},{"name":"title","type":"line","description":"","required":true,"length_max":0,"items_min":0,"items_max":50,"choices":[],"of":[]}],"format":"## {title}\n\n{text}","title":"","phrases":{"text":["{facts.name}: {brief}"],"title":["{section.facts.title}"]}}}}');
INSERT INTO "sites" VALUES('newest','da0d1a6b387504900d0825e8a68c092e');
CREATE TABLE spent (
    request_key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    batch INTEGER NOT NULL REFERENCES batches (id),
    created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE usage (
    id INTEGER PRIMARY KEY,
    entry TEXT NOT NULL UNIQUE,
    model TEXT NOT NULL,
    batch_id TEXT,
    job_id TEXT NOT NULL,
    attempt TEXT NOT NULL,
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
CREATE INDEX jobs_scheduled ON jobs (due_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'processing';
CREATE INDEX jobs_of_batch ON jobs (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX jobs_alone_ended ON jobs (ended_at)
WHERE batch IS NULL AND ended_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_skip ON jobs (dedup_key)
WHERE dedup = 'skip' AND state IN ('scheduled', 'pending', 'processing', 'paused');
CREATE INDEX revisions_of_batch ON revisions (batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_stopped ON jobs (batch, state, id, kind)
WHERE state IN ('paused', 'failed', 'cancelled');
CREATE UNIQUE INDEX jobs_waiting ON jobs (dedup_key)
WHERE dedup IN ('coalesce', 'replace') AND state IN ('scheduled', 'pending', 'paused');
CREATE INDEX jobs_alone ON jobs (owner, id) WHERE batch IS NULL;
CREATE INDEX jobs_alone_unfinished ON jobs (owner, id)
WHERE batch IS NULL AND state IN ('scheduled', 'pending', 'processing', 'paused');
CREATE INDEX jobs_requiring ON jobs (requires) WHERE requires IS NOT NULL AND state = 'pending';
CREATE INDEX jobs_key ON jobs (dedup_key, dedup, batch) WHERE dedup_key IS NOT NULL;
CREATE INDEX jobs_ready ON jobs (kind, requires, priority DESC, id) WHERE state = 'pending';
CREATE INDEX batches_about ON batches (about) WHERE about IS NOT NULL;
CREATE UNIQUE INDEX rounds_submit_key ON rounds (submit_key)
WHERE submit_key IS NOT NULL AND state IN ('pending', 'processing', 'paused') AND stopping = 0;
CREATE INDEX rounds_unfinished ON rounds (batch)
WHERE state IN ('pending', 'processing', 'paused');
CREATE INDEX rounds_change ON rounds (change);
CREATE INDEX rounds_to_prune ON rounds (pruned, state, ended_at)
WHERE pruned < 2 AND ended_at IS NOT NULL;
CREATE INDEX revisions_history
ON revisions (type, entity_id, id, created_at, effective, content_hash);
CREATE INDEX usage_open_of_batch ON usage (batch_id) WHERE closed_at IS NULL;
CREATE INDEX usage_open_of_day ON usage (day) WHERE closed_at IS NULL;
CREATE INDEX record_failed ON record (batch, place) WHERE state = 'failed';
CREATE INDEX rounds_ended ON rounds (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX revisions_by_hand ON revisions (created_at)
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person');
COMMIT;
PRAGMA user_version = 7;
