INSERT OR IGNORE INTO unembedded (type, page, entity_id)
SELECT type, page, entity_id FROM meanings WHERE embedder IS NOT :embedder
