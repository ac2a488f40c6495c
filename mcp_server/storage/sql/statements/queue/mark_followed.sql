-- Another round has followed this one: what is to be pruned of the batch is told by that.
UPDATE rounds SET pruned = 2 WHERE batch = :batch AND number = :number
