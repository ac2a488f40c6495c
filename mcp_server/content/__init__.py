"""The content life cycle: a site is drafted, reviewed, promoted, rolled back and exported."""
