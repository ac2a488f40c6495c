UPDATE following SET said_at = min(said_at, :now)
