"""The settings and the state of a worker, which its parts share."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_server.errors import StorageError, StorageOutdated
from mcp_server.jobs.job import Attempt
from mcp_server.jobs.records import Report
from mcp_server.jobs.rules.suspects import is_suspect
from mcp_server.jobs.signal import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works; times in seconds."""

    concurrency: int = 4
    claim_max: int = 256
    lease_s: float = 30.0
    heartbeat_s: float = 10.0
    prune_interval_s: float = 3600.0
    grace_s: float = 10.0
    idle_s: float | None = None
    """Leave after this long without work; `None`: never."""
    heed_s: float = 10.0
    """How long a handler may go on after it was stopped, before its lane counts as lost."""
    holds_lock: bool = True
    """Whether this worker holds the workspace's lock, so that all others are gone."""


@dataclass(slots=True, kw_only=True)
class WorkerState:
    """The attempts that a worker holds, and what it knows of the queue."""

    renewed_at: float
    """All our leases were claimed or renewed at this time or later."""
    held: dict[str, Attempt] = field(default_factory=dict[str, Attempt])
    """Claimed attempts whose end is not recorded yet."""
    reports: list[Report] = field(default_factory=list[Report])
    """Ends that are still to be recorded."""
    looked_at: int | None = None
    """The store's `version` at which nothing was left for us to claim; `None`: not known."""
    stopping: bool = False
    """Whether no more is claimed, and the worker leaves."""
    news: Signal = field(default_factory=Signal)
    """Given when there may be something to record or to claim."""

    def stop(self) -> None:
        """Claim no more; what runs gets its grace."""
        self.stopping = True
        self.news.give()

    def give_way(self, error: StorageError) -> None:
        """If a newer version has changed the database, leave at once: nothing can be recorded."""
        if isinstance(error, StorageOutdated):
            self.held.clear()
            self.reports.clear()
            self.stop()

    @property
    def holds_suspect(self) -> bool:
        """Whether a job is held with which several workers have died."""
        return any(is_suspect(attempt.job.crashes) for attempt in self.held.values())
