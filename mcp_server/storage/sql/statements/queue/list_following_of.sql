SELECT * FROM following WHERE batch = :batch
