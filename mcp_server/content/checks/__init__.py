"""Checks of a text: what must not be in it, what nobody has said, what is worth a look. Pure."""
