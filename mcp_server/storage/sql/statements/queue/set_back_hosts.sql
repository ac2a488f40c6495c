UPDATE hosts SET seen_at = :now WHERE seen_at > :now
