SELECT word FROM words WHERE word >= :first AND word <= :last ORDER BY word LIMIT :limit
