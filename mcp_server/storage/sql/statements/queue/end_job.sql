-- A job ends without an attempt reporting: cancelled, crashed too often, or joined by another.
UPDATE jobs
SET
    state = :state, attempt_id = NULL, lease_until = NULL, ended_at = :now, code = :code,
    reason = :reason
WHERE id = :id
