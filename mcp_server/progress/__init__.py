"""Progress of batches: what changed, for whoever listens, in figures and in words."""
