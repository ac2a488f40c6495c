INSERT OR IGNORE INTO awaited (job, batch) VALUES (:job, :batch)
