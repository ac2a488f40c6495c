INSERT OR IGNORE INTO sites (hash, document) VALUES (:hash, :document)
