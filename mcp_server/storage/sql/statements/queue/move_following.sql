UPDATE following SET after = :after WHERE batch = :batch AND what = :what
