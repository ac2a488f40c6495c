-- What was said in this transaction: of what was said before, a step has been made.
SELECT * FROM following WHERE after = 0 ORDER BY batch, what
