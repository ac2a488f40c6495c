"""Why nothing, or not everything, can be written, for as long as that holds."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet

from psycopg.errors import DiskFull

from mcp_server.errors import StorageError
from mcp_server.storage.postgres.errors import DAMAGES

FULL_S = 10.0
"""How long a disk counts as full of which that was said: what fits into a page is written still."""


class Trouble:
    """What the server last refused, in words.

    Any change that is written proves that it takes writes again. Of a damaged table it proves
    nothing: that is over once all statements have worked that met it, as the server does not say
    which of them did.
    """

    def __init__(self) -> None:
        self._words: str | None = None
        self._full_until = 0.0
        self._damage: str | None = None
        self._suspects = set[str]()

    @property
    def words(self) -> str | None:
        """What is wrong and what helps; `None` if nothing is known to be."""
        return self._words or self._damage

    def met(self, error: StorageError, asked: AbstractSet[str]) -> None:
        """Note why a transaction failed that had `asked` these statements, by name."""
        if isinstance(error.__cause__, DAMAGES):
            self._damage = error.shown
            self._suspects |= asked
            return
        self._words = error.shown or self._words  # not every error has words for people
        if isinstance(error.__cause__, DiskFull):
            self._full_until = time.monotonic() + FULL_S

    def worked(self, asked: AbstractSet[str], *, changed: bool) -> None:
        """Note that a transaction was committed."""
        if changed and time.monotonic() >= self._full_until:
            self._words = None
        self._suspects -= asked
        if not self._suspects:
            self._damage = None
