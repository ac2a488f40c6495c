-- Back to the queue; whatever attempt held it writes nothing any more.
UPDATE jobs
SET
    state = :state, attempt_id = NULL, lease_until = NULL, started_at = NULL,
    crashes = crashes + :crashed
WHERE id = :id
