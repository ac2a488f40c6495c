SELECT
    EXISTS (SELECT 1 FROM jobs WHERE state = 'pending')
    OR EXISTS (SELECT 1 FROM jobs WHERE state = 'processing')
    OR EXISTS (SELECT 1 FROM jobs WHERE state = 'scheduled' AND due_at <= :until)
    OR EXISTS (SELECT 1 FROM following) AS work
