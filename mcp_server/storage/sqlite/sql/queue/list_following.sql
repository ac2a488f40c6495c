SELECT * FROM following
