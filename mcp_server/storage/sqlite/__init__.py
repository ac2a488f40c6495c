"""The embedded engine: one SQLite file in WAL mode, one writer per process, readers beside it."""
