SELECT * FROM hosts WHERE seen_at > :seen_after ORDER BY seen_at DESC
