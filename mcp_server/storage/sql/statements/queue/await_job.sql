INSERT INTO awaited (job, batch) VALUES (:job, :batch)
ON CONFLICT DO NOTHING
