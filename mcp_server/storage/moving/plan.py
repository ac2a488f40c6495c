"""What is to be moved where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_server.folder import Folder
from mcp_server.jobs.host.presence import MACHINE
from mcp_server.storage.moving.copying import Say
from mcp_server.storage.moving.journal import Journal
from mcp_server.storage.postgres.moved import Moved, Way

LOCK_S = 10
"""How long a move waits for the writes of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A workspace's two places: a file in its state folder, and a schema of a shared database."""

    state: Folder
    file: Path
    mark: str | None
    """What the file carries, so that it is known to be made here."""
    address: str
    schema: str
    by: str
    """Names the state folder, and says nothing about it."""
    journal: Journal
    """To stand in the state folder from when the copy is whole."""
    begun: bool
    """Whether it stands there already."""
    switch: Callable[[], None]
    """Makes the settings name the new place; done twice, it does no more."""
    say: Say

    def noted(self, way: Way) -> Moved:
        """Return what is to stand beside the schema."""
        return Moved(way, self.by, MACHINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done."""

    counts: Mapping[str, int]
    """Rows by table; none where only what an earlier command had begun was brought to its end."""
    left: str | None
    """The name that the place of before has now; `None` where an earlier command gave it one."""
