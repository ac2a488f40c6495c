-- The batch that a request key stands for, as long as the key is remembered.
SELECT requests.digest, batches.*, rounds.* FROM requests
JOIN batches ON batches.id = requests.batch
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
WHERE requests.owner = :owner
AND requests.request_key = :request_key
AND requests.created_at > :since
