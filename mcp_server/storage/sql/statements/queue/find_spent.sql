-- The batch that something was spent for, which may be handed in once.
SELECT spent.digest, batches.*, rounds.* FROM spent
JOIN batches ON batches.id = spent.batch
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
WHERE spent.request_key = :request_key
