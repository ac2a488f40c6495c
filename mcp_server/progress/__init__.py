"""Progress of batches: what the hub tells, in figures and in words."""
