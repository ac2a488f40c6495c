-- One, however many are asked for: the driver takes a single step of what returns no columns.
PRAGMA incremental_vacuum(1)
