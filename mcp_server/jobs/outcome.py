"""How an attempt ended: a value that the handler returns, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.jobs.job import NewJob


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done. `effects` are applied together with the job's end, or not at all."""

    result: Mapping[str, Any] = field(default_factory=dict[str, Any])
    effects: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """There was nothing to do: the job is completed, and says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It may work another time. Counts against the retries; `after_s` overrides the backoff."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not yet: run again at `until` (seconds since the epoch). Costs no retry."""

    until: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fail:
    """It will not work by trying again. `effects` are applied all the same."""

    code: str
    reason: str
    effects: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing of this batch can work now: it waits for somebody to mend the cause and `retry`."""

    reason: str


Outcome = Done | Skip | Retry | Snooze | Fail | Pause
"""What a handler returns."""


@dataclass(frozen=True, slots=True)
class Enqueue:
    """An effect: queue `job` when this attempt's work is committed.

    The job joins the attempt's batch, which ends only after it.
    """

    job: NewJob
