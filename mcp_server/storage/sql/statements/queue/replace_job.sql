-- A later job takes the place of one that waits: its id, its batch and who asked for it stay.
UPDATE jobs
SET
    kind = :kind, payload = :payload, subject = :subject, priority = :priority, dedup = :dedup,
    requires = :requires, max_retries = :max_retries, created_at = :now, due_at = :due_at,
    state = CASE state WHEN 'paused' THEN state ELSE :state END,
    attempts = 0, crashes = 0, started_at = NULL, code = NULL, reason = NULL,
    step_current = NULL, step_total = NULL, step_message = NULL
WHERE id = :id
