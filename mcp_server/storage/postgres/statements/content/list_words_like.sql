SELECT term, doc FROM word_terms WHERE term >= :first AND term <= :last LIMIT nullif(:limit, -1)
