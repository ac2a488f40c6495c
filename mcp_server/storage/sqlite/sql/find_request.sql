-- The batch that a request key stands for, as long as the key is remembered.
SELECT * FROM batches
WHERE owner = :owner AND request_key = :request_key AND created_at > :since
ORDER BY id DESC
LIMIT 1
