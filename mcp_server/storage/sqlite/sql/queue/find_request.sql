-- The batch that a request key stands for, as long as the key is remembered.
SELECT requests.digest, batches.* FROM requests
JOIN batches ON batches.id = requests.batch
WHERE requests.owner = :owner
AND requests.request_key = :request_key
AND requests.created_at > :since
