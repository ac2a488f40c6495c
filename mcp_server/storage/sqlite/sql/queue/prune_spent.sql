DELETE FROM spent
WHERE (owner, request_key) IN (
    SELECT owner, request_key FROM spent WHERE created_at <= :before LIMIT :limit
)
