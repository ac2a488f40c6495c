DELETE FROM meanings WHERE id = :id
