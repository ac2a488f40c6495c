"""Jobs that were lost with their worker: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.jobs.rules import suspects
from mcp_server.jobs.rules.limits import Candidate
from mcp_server.jobs.rules.suspects import SUSPECT_CRASHES, SUSPECT_PATIENCE_S

NOW = 1_000.0
A, B, C = (0, 1, False, 0, 0.0), (0, 2, False, SUSPECT_CRASHES - 1, 0.0), (0, 3, True, 0, 0.0)
FRESH = (0, 4, False, SUSPECT_CRASHES, NOW - 1)
PATIENT = (0, 5, False, SUSPECT_CRASHES + 4, NOW - SUSPECT_PATIENCE_S)
OVERDUE = (0, 6, False, SUSPECT_CRASHES, NOW - SUSPECT_PATIENCE_S - 1)


@pytest.mark.parametrize(
    ("found", "by_an_empty_worker", "beside_others"),
    [
        ([], None, None),
        ([A, B, C], None, None),
        ([A, FRESH, B], None, None),
        ([FRESH, A, B], FRESH, None),
        ([FRESH, PATIENT], FRESH, None),
        ([A, PATIENT, B], None, None),
        ([A, OVERDUE, B], OVERDUE, OVERDUE),
        ([A, FRESH, OVERDUE], OVERDUE, OVERDUE),
        ([FRESH, OVERDUE], FRESH, OVERDUE),
    ],
    ids=str,
)
def test_a_suspect_lets_others_go_first_unless_the_worker_is_empty_or_its_patience_is_over(
    found: list[Candidate], by_an_empty_worker: Candidate | None, beside_others: Candidate | None
) -> None:
    """So lanes are not kept idle for it, and it does not wait for as long as there is work."""
    empty = suspects.to_run_alone(found, holds_nothing=True, now=NOW)
    busy = suspects.to_run_alone(found, holds_nothing=False, now=NOW)
    assert (empty, busy) == (by_an_empty_worker, beside_others)


@given(
    crashes=st.lists(st.integers(0, 2 * SUSPECT_CRASHES), min_size=1),
    waited_s=st.floats(0, 2 * SUSPECT_PATIENCE_S),
)
def test_an_empty_worker_is_given_something_whatever_waits(
    crashes: list[int], waited_s: float
) -> None:
    """Where nothing is to run alone, there is something that may run beside others."""
    found = [(0, number, False, count, NOW - waited_s) for number, count in enumerate(crashes)]
    alone = suspects.to_run_alone(found, holds_nothing=True, now=NOW)
    assert alone is None or (alone in found and suspects.is_suspect(alone[3]))
    assert alone is not None or not all(map(suspects.is_suspect, crashes))


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
