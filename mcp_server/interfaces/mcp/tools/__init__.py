"""The tools: what each takes, and what it calls."""
