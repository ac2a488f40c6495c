-- What became of each job of a batch, kept for good: written when the job itself is forgotten. At the
-- end, from place 2⁶² on, what was left out while the batch was planned.
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
CREATE INDEX record_failed ON record (batch, place) WHERE state = 'failed';

-- What happened since a time: batches that have ended, and what was written by hand outside any.
CREATE INDEX rounds_ended ON rounds (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX revisions_by_hand ON revisions (created_at)
WHERE batch_id IS NULL AND author_kind IN ('chat', 'person');
