-- The file about to be written, and the one it replaces: a crash between leaves either.
INSERT INTO exports (page, latest, previous) VALUES (:page, :hash, :replaces)
ON CONFLICT (page) DO UPDATE SET
    previous = CASE
        WHEN :replaces IS NOT NULL THEN :replaces
        WHEN latest = excluded.latest THEN previous
        ELSE latest
    END,
    latest = excluded.latest
