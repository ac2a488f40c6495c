-- What the clock of before has put off, or handed in. What the clock of now has put off stays.
UPDATE jobs SET due_at = CASE WHEN due_at - :back > :now THEN due_at - :back ELSE :now END
WHERE state = 'scheduled' AND due_at > :now AND (created_at > :now OR ended_at > :now)
