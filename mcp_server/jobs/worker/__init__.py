"""The worker: claims jobs, runs attempts, and looks after what it has claimed."""
