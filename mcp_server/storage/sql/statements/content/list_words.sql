SELECT id, words FROM meanings WHERE id > :after ORDER BY id LIMIT :limit
