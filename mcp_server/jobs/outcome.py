"""How an attempt ended: a value that the handler returns, never an exception."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from mcp_server.errors import CallerError, StorageError
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

OUTCOMES = (Done, Skip, Retry, Snooze, Fail, Pause)


def checked(answer: object) -> Outcome:
    """Return what a handler answered, if it is an outcome that can be recorded; or else a failure.

    Types are for who checks them: a plugin may have been written without.
    """
    if not isinstance(answer, OUTCOMES):
        return Fail("handler-error", f"its handler answered {type(answer).__name__}")
    if problem := _problem(answer):
        what = type(answer).__name__
        return Fail("handler-error", f"its handler answered {what}, whose {problem}")
    return answer


def _problem(outcome: Outcome) -> str | None:
    texts: tuple[str, ...] = ("code", "reason")
    for name in texts:
        if not isinstance(getattr(outcome, name, ""), str):
            return f"{name} is no text"
    effects: object = getattr(outcome, "effects", ())
    if not isinstance(effects, tuple):
        return "effects are no tuple"
    match outcome:
        case Done(result) if not isinstance(cast("object", result), Mapping):
            return "result is no mapping"
        case Snooze(until) if not _is_time(until):
            return "time is no number"
        case Retry(_, after_s) if after_s is not None and not _is_time(after_s):
            return "time is no number"
        case _:
            return None


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def refused(error: CallerError | StorageError) -> Outcome:
    """Return the outcome of an attempt in which the handler met one of our errors.

    What was refused would be refused again; the database may be back by then.
    """
    if isinstance(error, CallerError):
        return Fail("refused", str(error))
    return Retry(f"the database could not be read: {error}")


@dataclass(frozen=True, slots=True)
class Enqueue:
    """An effect: queue `job` when this attempt's work is committed.

    The job joins the attempt's batch, which ends only after it.
    """

    job: NewJob
