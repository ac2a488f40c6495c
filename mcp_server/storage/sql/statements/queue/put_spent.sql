INSERT INTO spent (request_key, digest, batch, created_at)
VALUES (:request_key, :digest, :batch, :now)
