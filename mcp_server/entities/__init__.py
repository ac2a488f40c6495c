"""Stored content: entities, their revisions, and the effects that change them."""
