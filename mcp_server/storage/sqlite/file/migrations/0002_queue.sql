-- Ready jobs by kind: those that a worker cannot run are not walked past.
DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (kind, priority DESC, id) WHERE state = 'pending';

-- What waits for somebody, found and counted however many jobs were completed.
CREATE INDEX jobs_stopped ON jobs (batch, state, id, kind)
WHERE state IN ('paused', 'failed', 'cancelled');

-- Of a key that is coalesced or replaced at most one job waits, whichever of the two asked for it.
DROP INDEX jobs_coalesce;
CREATE UNIQUE INDEX jobs_waiting ON jobs (dedup_key)
WHERE dedup IN ('coalesce', 'replace') AND state IN ('scheduled', 'pending', 'paused');

-- Jobs outside any batch, as their owner looks at them.
CREATE INDEX jobs_alone ON jobs (owner, id) WHERE batch IS NULL;
CREATE INDEX jobs_alone_unfinished ON jobs (owner, id)
WHERE batch IS NULL AND state IN ('scheduled', 'pending', 'processing', 'paused');

-- What ready jobs need of a worker.
CREATE INDEX jobs_requiring ON jobs (requires) WHERE requires IS NOT NULL AND state = 'pending';

-- What was pruned of a batch that has ended: 0 nothing, 1 its completed jobs, 2 all of them.
ALTER TABLE batches ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_to_prune ON batches (pruned, state, ended_at)
WHERE pruned < 2 AND ended_at IS NOT NULL;
