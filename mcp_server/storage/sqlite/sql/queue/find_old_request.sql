SELECT 1 FROM requests WHERE created_at <= :before LIMIT 1
