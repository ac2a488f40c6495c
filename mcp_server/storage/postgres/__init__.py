"""The stores on PostgreSQL: several machines on one database, each workspace in its own schema."""
