SELECT 1 FROM requests WHERE created_at <= :before
UNION ALL
SELECT 1 FROM spent WHERE created_at <= :before
LIMIT 1
