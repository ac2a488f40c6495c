"""Stored content on SQLite: texts, and the files of their pages."""
