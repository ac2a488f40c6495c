"""How many jobs a claim is given, and which: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.jobs.rules import limits
from mcp_server.jobs.rules.limits import Candidate

candidates: st.SearchStrategy[list[Candidate]] = st.lists(
    st.tuples(st.integers(-20, 20), st.integers(1, 99), st.booleans(), st.just(0), st.just(0.0)),
    unique_by=lambda each: each[1],
).map(sorted)


def test_all_that_run_are_counted_against_the_limit_of_their_kind() -> None:
    """Whoever runs them; more than there may be leave room for none, and other kinds have any."""
    running = {"draft": 1, "export": 7, "ping": 3}
    assert limits.room({"draft": 3, "export": 5, "index": 2}, running) == {
        "draft": 2,
        "export": 0,
        "index": 2,
    }


@pytest.mark.parametrize(
    ("limit", "ahead", "quick", "room", "most"),
    [
        (4, 0, False, {}, 4),
        (4, 16, False, {}, 4),
        (4, 16, True, {}, 20),
        (4, 16, True, {"other": 1}, 20),
        (4, 16, True, {"toy": 6}, 6),
        (4, 16, False, {"toy": 6}, 4),
        (4, 0, False, {"toy": 0}, 0),
    ],
)
def test_of_a_kind_no_more_are_looked_at_than_can_be_claimed(
    limit: int, ahead: int, quick: bool, room: dict[str, int], most: int
) -> None:
    """The lanes, those claimed ahead where it is quick, and its room where it is limited."""
    assert limits.most_of("toy", limit=limit, ahead=ahead, quick=quick, room=room) == most


def test_quick_jobs_are_claimed_ahead_behind_those_that_have_a_lane() -> None:
    """Slow ones that have none are left to others, and quick ones behind them are not."""
    found = [(0, n, quick, 0, 0.0) for n, quick in enumerate([False, True, False, True, True], 1)]
    assert limits.chosen(found, limit=2, ahead=1) == [1, 2, 4]
    assert limits.chosen(found, limit=2, ahead=0) == [1, 2]
    assert limits.chosen(found, limit=9, ahead=9) == [1, 2, 3, 4, 5]
    assert limits.chosen([], limit=2, ahead=1) == []


@given(found=candidates, limit=st.integers(1, 10), ahead=st.integers(0, 10))
def test_no_job_is_given_before_one_of_higher_priority_or_greater_age(
    found: list[Candidate], limit: int, ahead: int
) -> None:
    """Those with a lane are the first of all, and each of the others is quick."""
    chosen = limits.chosen(found, limit=limit, ahead=ahead)
    order = [number for _, number, *_ in found]
    assert chosen[:limit] == order[:limit]
    assert chosen == sorted(chosen, key=order.index)
    assert len(chosen) <= limit + ahead
    quick = {number for _, number, is_quick, *_ in found if is_quick}
    assert quick >= set(chosen[limit:])
