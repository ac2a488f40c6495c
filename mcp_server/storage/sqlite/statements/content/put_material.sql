INSERT OR IGNORE INTO materials (hash, text, stored_at) VALUES (:hash, :text, :now)
