-- Jobs of the present round have ended, or come in: `delta` of each counter.
UPDATE rounds
SET
    total = total + :total,
    completed = completed + :completed,
    skipped = skipped + :skipped,
    failed = failed + :failed,
    cancelled = cancelled + :cancelled,
    follow_ups_failed = follow_ups_failed + :follow_ups_failed,
    outstanding = outstanding + :outstanding,
    change = :change
WHERE batch = :batch AND number = (SELECT round FROM batches WHERE id = :batch)
RETURNING
    batch, state, reason, stopping, outstanding, total, failed, cancelled, follow_ups_failed,
    -- Whether more jobs of the round come in: a retry takes them up in steps.
    (SELECT count(*) FROM following WHERE batch = :batch AND what = 'retry') AS grows
