"""Stored content: texts, and the files of their pages."""
