-- The newest job at the last pruning: the numbers of jobs that were forgotten are not given again.
INSERT INTO counters VALUES ('newest_job', 0);

-- Of a key, the jobs of one batch: whether a batch holds it is told without walking over what is
-- kept of the key.
DROP INDEX jobs_key;
CREATE INDEX jobs_key ON jobs (dedup_key, dedup, batch) WHERE dedup_key IS NOT NULL;

-- Ready jobs by kind and by what they need of a worker: those that it cannot run are not walked
-- past.
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (kind, requires, priority DESC, id) WHERE state = 'pending';
