SELECT * FROM batches WHERE about = :batch_id ORDER BY id DESC
