"""What a text says in figures and none of its sources does. Pure."""
