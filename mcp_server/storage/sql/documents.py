"""Which columns hold what can be damaged and still be taken by a database."""

from __future__ import annotations

DOCUMENTS = frozenset(
    {
        *("payload", "result", "terms", "details", "abilities", "fields", "findings"),
        *("related", "stat", "in_file", "gone", "front", "intent"),
    }
)
"""Columns, of whatever table, that hold JSON."""

NAMES = ("job_id", "batch_id", "entity_id", "id", "batch", "page", "hash", "name")
"""Columns that say which row it is, the best first."""

NAMED_MAX = 5
"""How many damaged values of a column are named: more of them say nothing new."""
