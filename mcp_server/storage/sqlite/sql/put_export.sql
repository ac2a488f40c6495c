-- The file just written, and the one before it: a crash between record and rename leaves either.
INSERT INTO exports (page, latest) VALUES (:page, :hash)
ON CONFLICT (page) DO UPDATE SET
    previous = CASE WHEN latest = excluded.latest THEN previous ELSE latest END,
    latest = excluded.latest
