SELECT * FROM texts WHERE id IN (SELECT CAST(atom AS bigint) FROM json_each(:ids))
