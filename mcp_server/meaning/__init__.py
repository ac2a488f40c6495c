"""What texts mean: embedding them, and finding texts by meaning and by words."""
