SELECT * FROM usage_sums WHERE scope = :scope AND name = :name
