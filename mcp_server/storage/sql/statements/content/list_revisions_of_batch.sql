SELECT * FROM texts WHERE batch_id = :batch_id ORDER BY id
