-- The first round of a batch, before its jobs come in.
INSERT INTO rounds (batch, number, state, terms, submit_key, total, outstanding, change)
VALUES (:batch, 1, 'pending', :terms, :submit_key, 0, 0, :change)
