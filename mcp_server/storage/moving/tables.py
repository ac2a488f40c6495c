"""What a workspace's database consists of: the same tables in both kinds."""

from __future__ import annotations

from typing import NamedTuple


class Table(NamedTuple):
    """A table that is copied."""

    name: str
    rows: str = "true"
    """The condition of those of its rows that are copied."""


TABLES = (
    # Of a shared database; it keeps these for itself.
    Table("counters", "name NOT IN ('commits', 'history', 'server')"),
    Table("batches"),
    Table("rounds"),
    Table("requests"),
    Table("spent"),
    Table("jobs"),
    Table("awaited"),
    Table("following"),
    Table("record"),
    Table("hosts"),
    Table("sites"),
    Table("materials"),
    Table("page_bytes"),
    Table("page_versions"),
    Table("page_files"),
    Table("revisions"),
    Table("entities"),
    Table("usage"),
    Table("usage_sums"),
    Table("meanings"),
    Table("unembedded"),  # after `entities`, whose rows make rows here
)
"""Those that others refer to come first."""

OF_EACH_DATABASE = frozenset({"identity", "migrations", "writers"})
"""Tables about the database itself, which stay where they are."""

INDEX_OF_WORDS = frozenset(
    {
        *("word_index", "word_index_config", "word_index_data", "word_index_docsize"),
        *("word_index_idx", "word_terms", "words"),
    }
)
"""Tables that are made anew of the words in `meanings`, as each database finds words in its way."""
