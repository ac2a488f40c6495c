"""The job store on SQLite: what `jobs.store` asks of a database."""
