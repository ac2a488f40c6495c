INSERT INTO materials (hash, text, stored_at) VALUES (:hash, :text, :now)
ON CONFLICT DO NOTHING
