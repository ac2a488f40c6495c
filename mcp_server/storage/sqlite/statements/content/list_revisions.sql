SELECT * FROM texts WHERE id IN (SELECT value FROM json_each(:ids))
