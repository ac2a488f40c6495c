INSERT INTO unembedded (type, page, entity_id)
SELECT type, page, entity_id FROM meanings WHERE embedder IS DISTINCT FROM :embedder
ON CONFLICT DO NOTHING
