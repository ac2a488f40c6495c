SELECT document FROM sites WHERE hash = (SELECT document FROM sites WHERE hash = 'newest')
