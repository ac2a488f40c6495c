UPDATE hosts SET seen_at = least(seen_at, :now)
