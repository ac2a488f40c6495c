"""The stores, for every database: its own statements and connections are in its own room."""
