-- What runs was begun before its batch was resumed.
UPDATE jobs SET code = :code WHERE batch = :batch AND state = 'processing'
