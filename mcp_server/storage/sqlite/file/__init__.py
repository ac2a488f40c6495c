"""One SQLite file: opened, checked, migrated, written in groups. It knows no table of the queue."""
