"""Jobs that were lost with their worker: what it costs them, and how those run that may be why."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.jobs.rules.limits import Candidate

SUSPECT_CRASHES = 3
"""A job that was lost so often is a suspect, and runs alone: if it kills its worker, it dies with
nobody else, and jobs that only ran beside it are not counted to death."""

SUSPECT_PATIENCE_S = 30.0
"""How long a suspect lets others go first, from when it was due (which its crashes do not change).
Then nothing is begun before it: lanes are idle until the worker is empty, which no attempt delays
beyond its time limit."""

CRASHED = "crashed"
"""The code of a job that was lost too often."""


def is_suspect(crashes: int) -> bool:
    """Whether a job that was lost so often must run alone."""
    return crashes >= SUSPECT_CRASHES


def to_run_alone(
    found: Sequence[Candidate], *, holds_nothing: bool, now: float
) -> Candidate | None:
    """Return the suspect among these candidates, in their order, whose turn it is; if it is any's.

    An empty worker takes the one that is first. Otherwise others go before suspects, so that no
    lane is kept idle; but not for longer than `SUSPECT_PATIENCE_S`, or a suspect would wait for as
    long as there is other work.
    """
    if holds_nothing and found and is_suspect(found[0][3]):
        return found[0]
    overdue = (each for each in found if is_suspect(each[3]) and now - each[4] > SUSPECT_PATIENCE_S)
    return next(overdue, None)


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
