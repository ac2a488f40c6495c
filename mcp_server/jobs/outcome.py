"""How an attempt ended: a value that the handler returns, never an exception."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeGuard, cast

from mcp_server.errors import CallerError, StorageError
from mcp_server.excerpt import shortened
from mcp_server.jobs.job import NewJob
from mcp_server.jobs.json_text import encoded
from mcp_server.jobs.result import BYTES

RESULT_BYTES_MAX = 1024 * 1024
"""The largest result, as JSON. Anything larger is content, and belongs in effects."""

REASON_MAX = 10_000
"""The longest reason, in characters. The rest is cut off; it belongs in a log."""

CODE_MAX = 100
"""The longest code: it is one word."""

LATEST = 253_402_300_799
"""The end of the year 9999, the last that Python's `datetime` knows."""

DELAY_S_MAX = 100 * 365.25 * 24 * 3600
"""A hundred years. A longer wait is a mistake, most likely one of milliseconds for seconds."""


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done. `effects` are applied together with the job's end, or not at all.

    The result is JSON of at most `RESULT_BYTES_MAX`; or bytes, no more than a payload may have.
    """

    result: Mapping[str, Any] | bytes = field(default_factory=dict[str, Any])
    effects: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """There was nothing to do: the job is completed, and says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It may work another time. Counts against the retries; `after_s` overrides the backoff.

    A negative `after_s` means at once; one of more than a hundred years is a mistake.
    """

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not yet: run again at `until` (seconds since the epoch, up to `LATEST`). Costs no retry.

    A time in the past means in a second.
    """

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


def checked(answer: object, *, bytes_max: int = RESULT_BYTES_MAX) -> Outcome:
    """Return a handler's answer if it is an outcome that can be recorded, otherwise a failure.

    A result in bytes has `bytes_max` of them at most. The types are checked at run time, as plugins
    need not be type-checked. What reading the answer raises (it may be any object) is raised.
    """
    if not isinstance(answer, OUTCOMES):
        return Fail("handler-error", f"its handler answered {type(answer).__name__}")
    outcome = _bare(answer)
    if problem := _type_problem(outcome) or _problem(outcome, bytes_max):
        what = type(outcome).__name__
        return Fail("handler-error", f"its handler answered {what}, whose {problem}")
    if not isinstance(outcome, Done) and len(outcome.reason) > REASON_MAX:
        return replace(outcome, reason=shortened(outcome.reason, REASON_MAX))
    return outcome


def _bare(outcome: Outcome) -> Outcome:
    """Return the plain outcome that an instance of a subclass stands for."""
    if type(outcome) in OUTCOMES:
        return outcome
    base = next(base for base in type(outcome).__mro__ if base in OUTCOMES)
    return base(*(getattr(outcome, field.name) for field in fields(base)))


def _type_problem(outcome: Outcome) -> str | None:
    texts: tuple[str, ...] = ("code", "reason")
    for name in texts:
        if not isinstance(getattr(outcome, name, ""), str):
            return f"{name} is no text"
    effects: object = getattr(outcome, "effects", ())
    return None if isinstance(effects, tuple) else "effects are no tuple"


def _problem(outcome: Outcome, bytes_max: int) -> str | None:
    match outcome:
        case Done(bytes(result)):
            return _size_problem(len(result), bytes_max)
        case Done(result):
            return _result_problem(result)
        case Fail(code) if len(code) > CODE_MAX:
            return f"code has over {CODE_MAX} characters"
        case Snooze(until):
            return _time_problem(until)
        case Retry(_, after_s) if after_s is not None:
            return _wait_problem(after_s)
        case _:
            return None


def _result_problem(result: object) -> str | None:
    if not isinstance(result, Mapping):
        return "result is no mapping"
    if not result:
        return None
    if BYTES in result:
        return f"result has the name {BYTES}, which is Pressroom's own"
    try:
        size = len(encoded(cast("object", result)).encode())
    except ValueError as error:
        return f"result cannot be stored: {error}"
    return _size_problem(size, RESULT_BYTES_MAX)


def _size_problem(size: int, maximum: int) -> str | None:
    return f"result has {size:,} bytes: at most {maximum:,} may be" if size > maximum else None


def _time_problem(until: object) -> str | None:
    if not _is_number(until):
        return "time is no number"
    if not 0 <= until <= LATEST:
        seconds = "it is given in seconds since the epoch"
        return f"time is not between the years 1970 and 9999: {seconds}"
    return None


def _wait_problem(after_s: object) -> str | None:
    """Say what is wrong with a wait. A negative one is fine: `Retry-After` may be in the past."""
    if not _is_number(after_s):
        return "time is no number"
    if after_s > DELAY_S_MAX:
        return "wait is more than a hundred years: it is given in seconds"
    return None


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number. `math.isfinite` would raise for a very large whole number."""
    return isinstance(value, int | float) and -math.inf < value < math.inf


def refused(error: CallerError | StorageError) -> Outcome:
    """Return the outcome of an attempt whose handler raised one of our errors.

    A refused call would be refused again, so it fails. A database error may pass, so it is retried.
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
