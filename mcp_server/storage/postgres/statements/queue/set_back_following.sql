UPDATE following SET said_at = least(said_at, :now)
