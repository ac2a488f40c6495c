UPDATE hosts SET wanted = :wanted WHERE id = :id
