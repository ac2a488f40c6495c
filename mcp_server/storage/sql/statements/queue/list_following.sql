SELECT * FROM following ORDER BY batch, what
