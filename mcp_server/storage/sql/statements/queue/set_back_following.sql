UPDATE following SET said_at = :now WHERE said_at > :now
