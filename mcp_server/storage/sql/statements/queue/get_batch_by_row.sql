SELECT batches.*, rounds.* FROM batches
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
WHERE batches.id = :id
