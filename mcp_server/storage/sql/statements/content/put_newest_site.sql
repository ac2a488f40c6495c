-- Beside the sites, under a name that no hash can be: the hash of the one that was stored last.
INSERT INTO sites (hash, document) VALUES ('newest', :hash)
ON CONFLICT (hash) DO UPDATE SET document = excluded.document
