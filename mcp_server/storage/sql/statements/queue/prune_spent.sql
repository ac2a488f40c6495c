DELETE FROM spent
WHERE request_key IN (
    SELECT request_key FROM spent WHERE created_at <= :before LIMIT :limit
)
