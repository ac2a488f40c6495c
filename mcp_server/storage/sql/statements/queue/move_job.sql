-- Counted in the next round, without being run in it.
UPDATE jobs SET round = :round WHERE id = :id
