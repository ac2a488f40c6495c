"""A page's Markdown file: what it says, whose it is, and how it is written and read back."""
