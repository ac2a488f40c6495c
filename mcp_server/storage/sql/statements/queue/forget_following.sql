DELETE FROM following
WHERE batch = :batch AND what IN (SELECT atom FROM json_each(:what))
