-- Back to the queue; whatever attempt held it writes nothing any more. One that crashed is due anew.
UPDATE jobs
SET
    state = :state, attempt_id = NULL, lease_until = NULL, started_at = NULL,
    crashes = crashes + :crashed, due_at = CASE WHEN :crashed THEN :now ELSE due_at END
WHERE id = :id
