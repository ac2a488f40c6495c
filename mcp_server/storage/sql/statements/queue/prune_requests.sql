DELETE FROM requests
WHERE (owner, request_key) IN (
    SELECT owner, request_key FROM requests WHERE created_at <= :before LIMIT :limit
)
