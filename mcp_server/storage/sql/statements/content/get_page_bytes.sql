SELECT data FROM page_bytes WHERE hash = :hash
