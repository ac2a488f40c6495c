-- Not `IS NOT`, which would go through all vectors.
INSERT OR IGNORE INTO unembedded (type, page, entity_id)
SELECT type, page, entity_id FROM meanings WHERE embedder IS NULL AND :embedder IS NOT NULL
UNION ALL
SELECT type, page, entity_id FROM meanings WHERE embedder < :embedder
UNION ALL
SELECT type, page, entity_id FROM meanings WHERE embedder > :embedder
UNION ALL
SELECT type, page, entity_id FROM meanings WHERE embedder > '' AND :embedder IS NULL
