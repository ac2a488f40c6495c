-- What somebody damaged is kept anew.
INSERT INTO page_bytes (hash, data) VALUES (:hash, :data)
ON CONFLICT (hash) DO UPDATE SET data = excluded.data WHERE page_bytes.data <> excluded.data
