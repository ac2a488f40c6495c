-- What was put off by the clock of before. What the clock of now has put off stays.
UPDATE jobs SET due_at = max(due_at - :back, :now)
WHERE state = 'scheduled' AND due_at > :now AND (due_at > :latest OR created_at > :now)
