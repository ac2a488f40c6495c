"""Jobs that were lost with their worker: what it costs them, and how those run that may be why."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.jobs.rules.limits import Candidate

SUSPECT_CRASHES = 3
"""A job that was lost so often is a suspect, and runs alone: if it kills its worker, it dies with
nobody else, and jobs that only ran beside it are not counted to death."""

CRASHED = "crashed"
"""The code of a job that was lost too often."""


def is_suspect(crashes: int) -> bool:
    """Whether a job that was lost so often must run alone."""
    return crashes >= SUSPECT_CRASHES


def apart(found: Sequence[Candidate], *, holds_nothing: bool) -> Sequence[Candidate]:
    """Return those candidates, in their order, that may run beside each other.

    A suspect is returned by itself, to a worker that `holds_nothing`; what comes after it waits, or
    it would never find the worker empty.
    """
    for place, (_, _, _, crashes) in enumerate(found):
        if crashes >= SUSPECT_CRASHES:
            if place == 0:
                return found[:1] if holds_nothing else ()
            return found[:place]
    return found


def is_crash(started_at: float | None) -> bool:
    """Whether a lost attempt counts: one that still waited for a lane has broken nothing."""
    return started_at is not None


def why_given_up(*, started_at: float | None, crashes: int, crashes_max: int) -> str | None:
    """Return why a job fails whose attempt was lost, after `crashes` before; `None`: it does not.

    It may crash `crashes_max` times. Crashes are counted apart from the tries that reported an end.
    """
    if not is_crash(started_at) or crashes < crashes_max:
        return None
    return f"its worker died {crashes + 1} times while it ran"
