"""Jobs that were lost with their worker: pure."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.jobs.rules import suspects
from mcp_server.jobs.rules.limits import Candidate
from mcp_server.jobs.rules.suspects import SUSPECT_CRASHES

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

A, B, C = (0, 1, False, 0), (0, 2, False, SUSPECT_CRASHES - 1), (0, 3, True, 0)
SUSPECT = (0, 4, False, SUSPECT_CRASHES)
WORSE = (0, 5, False, SUSPECT_CRASHES + 4)


@pytest.mark.parametrize(
    ("found", "by_itself", "beside_others"),
    [
        ([], [], []),
        ([A, B, C], [A, B, C], [A, B, C]),
        ([A, B, SUSPECT, C], [A, B], [A, B]),
        ([SUSPECT, A, B], [SUSPECT], []),
        ([SUSPECT, WORSE], [SUSPECT], []),
        ([A, WORSE, SUSPECT], [A], [A]),
    ],
    ids=str,
)
def test_a_suspect_runs_alone_and_in_its_turn(
    found: list[Candidate], by_itself: list[Candidate], beside_others: list[Candidate]
) -> None:
    """What comes before it runs first; what comes after it waits, or it would never run."""
    assert list(suspects.apart(found, holds_nothing=True)) == by_itself
    assert list(suspects.apart(found, holds_nothing=False)) == beside_others


@UNHURRIED
@given(
    crashes=st.lists(st.integers(0, 2 * SUSPECT_CRASHES), min_size=1), holds_nothing=st.booleans()
)
def test_a_suspect_is_never_given_beside_anything_and_nothing_is_kept_from_an_empty_worker(
    crashes: list[int], holds_nothing: bool
) -> None:
    """Whatever waits, in whatever order; so the queue cannot stand still."""
    found = [(0, number, False, count) for number, count in enumerate(crashes)]
    given = list(suspects.apart(found, holds_nothing=holds_nothing))
    assert given == found[: len(given)]
    assert len(given) == 1 or not any(suspects.is_suspect(count) for _, _, _, count in given)
    if holds_nothing:
        assert given
    else:
        assert not any(suspects.is_suspect(count) for _, _, _, count in given)


@pytest.mark.parametrize(
    ("started_at", "crashes", "crashes_max", "reason"),
    [
        (5.0, 0, 10, None),
        (5.0, 9, 10, None),
        (5.0, 10, 10, "its worker died 11 times while it ran"),
        (5.0, 0, 0, "its worker died 1 times while it ran"),
        (0.0, 10, 10, "its worker died 11 times while it ran"),
        (None, 10, 10, None),
        (None, 99, 10, None),
    ],
)
def test_a_job_that_crashed_as_often_as_it_may_fails_with_the_next_crash(
    started_at: float | None, crashes: int, crashes_max: int, reason: str | None
) -> None:
    """One that waited in its worker for a lane is not given up, however often it crashed before."""
    found = suspects.why_given_up(started_at=started_at, crashes=crashes, crashes_max=crashes_max)
    assert found == reason


def test_only_an_attempt_that_was_started_counts_as_a_crash() -> None:
    """A start at the very beginning of time is one."""
    assert suspects.is_crash(0.0)
    assert not suspects.is_crash(None)
