SELECT document FROM sites WHERE hash = :hash
