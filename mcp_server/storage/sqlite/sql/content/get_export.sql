SELECT * FROM exports WHERE page = :page
