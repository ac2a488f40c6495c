INSERT INTO requests (owner, request_key, digest, batch, created_at)
VALUES (:owner, :request_key, :digest, :batch, :now)
ON CONFLICT (owner, request_key) DO UPDATE SET
    digest = excluded.digest, batch = excluded.batch, created_at = excluded.created_at
