SELECT * FROM usage WHERE entry = :entry
