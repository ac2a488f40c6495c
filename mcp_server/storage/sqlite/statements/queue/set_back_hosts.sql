UPDATE hosts SET seen_at = min(seen_at, :now)
