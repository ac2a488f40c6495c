SELECT * FROM exports WHERE :page IS NULL OR page = :page
