PRAGMA incremental_vacuum(200)
