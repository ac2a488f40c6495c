-- Those below and those above it: to ask for all that are of another would walk over all vectors.
INSERT INTO unembedded (type, page, entity_id)
SELECT type, page, entity_id FROM meanings
WHERE embedder IS NULL AND CAST(:embedder AS text) IS NOT NULL
UNION ALL
SELECT type, page, entity_id FROM meanings WHERE embedder < :embedder
UNION ALL
SELECT type, page, entity_id FROM meanings WHERE embedder > :embedder
UNION ALL
SELECT type, page, entity_id FROM meanings
WHERE embedder > '' AND CAST(:embedder AS text) IS NULL
ON CONFLICT DO NOTHING
