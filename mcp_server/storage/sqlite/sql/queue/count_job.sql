-- A job of the round has ended, or come in: `delta` of each counter.
UPDATE batches
SET
    total = total + :total,
    completed = completed + :completed,
    skipped = skipped + :skipped,
    failed = failed + :failed,
    cancelled = cancelled + :cancelled,
    follow_ups_failed = follow_ups_failed + :follow_ups_failed,
    outstanding = outstanding + :outstanding,
    change = :change
WHERE id = :id
