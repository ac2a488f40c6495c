INSERT INTO sites (hash, document) VALUES (:hash, :document)
ON CONFLICT DO NOTHING
