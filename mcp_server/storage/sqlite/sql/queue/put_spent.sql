INSERT INTO spent (owner, request_key, digest, batch, created_at)
VALUES (:owner, :request_key, :digest, :batch, :now)
