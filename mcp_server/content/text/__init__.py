"""Markdown and typed fields: text, and nothing else."""
