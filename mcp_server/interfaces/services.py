"""The services that the composition root gives to every interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mcp_server.clock import Clock
from mcp_server.content.service import ContentService
from mcp_server.entities.usage import Ledger
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.records import Stats
from mcp_server.jobs.telemetry import AttemptFigures
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.stream import Events


class WorkerHealth(Protocol):
    """Says whether a worker lives, in words and as facts for `status`."""

    async def __call__(self) -> Mapping[str, Any]:
        """Return `alive`, `mode`, `message`, and `pid` while it lives; wire names."""
        ...

    async def why_failing(self) -> str | None:
        """Return in a few words why nothing goes on, `None` if it does; nothing secret."""
        ...

    def resume(self) -> bool:
        """Allow a worker again if it was stopped by hand; return whether it was."""
        ...

    async def stats(self) -> Stats:
        """Return how many jobs there are; if counting takes long, as counted a while ago."""
        ...

    @property
    def figures(self) -> AttemptFigures:
        """Figures of the attempts that this process has run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """An open workspace."""

    content: ContentService
    batches: BatchService
    queue: JobQueue
    ledger: Ledger
    plugins: Plugins
    hub: Hub
    events: Events
    worker_health: WorkerHealth
    notice: Callable[[], str | None]
    """Returns what every answer has to begin with until somebody acts on it. Reads files, so it
    is called in a thread."""
    clock: Clock
    """By which the times of its jobs count: of a shared database, its server's."""
    worker_mode: Literal["embedded", "detached"] = "detached"
    """A detached worker goes on when this server ends, an embedded one ends with it."""


class ServicesProvider(Protocol):
    """Hands out the workspace's services; the server itself always starts."""

    async def services(self) -> Services:
        """Return the services of the workspace, opened on first use.

        Raises:
            Unavailable: there is no workspace, or it is broken; says how to mend it.
        """
        ...
