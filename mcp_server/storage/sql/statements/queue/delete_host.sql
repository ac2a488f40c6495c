DELETE FROM hosts WHERE id = :id
