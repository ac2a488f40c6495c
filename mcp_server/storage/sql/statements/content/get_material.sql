SELECT text FROM materials WHERE hash = :hash
