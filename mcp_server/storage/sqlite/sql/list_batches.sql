SELECT * FROM batches
WHERE owner = :owner
AND id < :before
AND (:active IS NULL OR (state IN ('pending', 'processing', 'paused')) = :active)
ORDER BY id DESC
LIMIT :limit
