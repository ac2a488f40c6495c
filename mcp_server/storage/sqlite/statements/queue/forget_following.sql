DELETE FROM following
WHERE batch = :batch AND what IN (SELECT value FROM json_each(:what))
