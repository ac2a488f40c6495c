SELECT * FROM revisions WHERE batch_id = :batch_id ORDER BY id
