"""The job store: what `jobs.store` asks of a database."""
