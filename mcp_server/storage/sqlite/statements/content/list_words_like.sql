SELECT term AS word FROM word_terms WHERE term >= :first AND term <= :last LIMIT :limit
