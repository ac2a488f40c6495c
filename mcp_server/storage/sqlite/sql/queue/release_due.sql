UPDATE jobs SET state = 'pending'
WHERE id IN (SELECT id FROM jobs WHERE state = 'scheduled' AND due_at <= :now ORDER BY due_at LIMIT :limit)
