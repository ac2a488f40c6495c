UPDATE batches SET pruned = :until
WHERE id IN (SELECT value FROM json_each(:batches)) AND ended_at IS NOT NULL
