-- Jobs of a batch that may be forgotten: the completed ones (`until` 1), or all (`until` 2).
SELECT id FROM jobs
WHERE batch = :batch AND (:until = 2 OR state = 'completed')
LIMIT :limit
