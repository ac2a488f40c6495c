DELETE FROM hosts WHERE seen_at < :before
