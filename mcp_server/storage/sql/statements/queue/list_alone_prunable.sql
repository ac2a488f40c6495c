SELECT id FROM jobs
WHERE batch IS NULL AND ended_at IS NOT NULL AND ended_at < :completed_before
LIMIT :limit
