DELETE FROM following
WHERE batch = :batch AND what IN (SELECT value FROM jsonb_array_elements_text(CAST(:what AS jsonb)) AS given (value))
