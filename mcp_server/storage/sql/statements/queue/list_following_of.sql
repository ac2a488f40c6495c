SELECT * FROM following WHERE batch = :batch ORDER BY what
