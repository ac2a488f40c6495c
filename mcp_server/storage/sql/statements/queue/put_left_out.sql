INSERT INTO record (batch, place, subject, counted, state, round, reason)
VALUES (:batch, :place, :subject, 1, 'skipped', 1, :reason)
