"""The throttle's decisions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_server.jobs.hub.throttle import Throttle


def test_the_first_snapshot_goes_at_once() -> None:
    """Nothing was sent, so nothing is too early."""
    assert Throttle(0.5).hold_s(1_000.0) == 0.0


def test_the_next_is_held_for_the_rest_of_the_interval() -> None:
    """Held, not dropped: the caller sends it afterwards."""
    throttle = Throttle(0.5).sent(1_000.0)
    assert throttle.hold_s(1_000.25) == 0.25
    assert throttle.hold_s(1_000.5) == 0.0
    assert throttle.hold_s(1_060.0) == 0.0


@given(interval_s=st.floats(0.0, 60.0), sent_at=st.floats(0.0, 1e10), now=st.floats(0.0, 1e10))
def test_nothing_is_held_longer_than_the_interval(
    interval_s: float, sent_at: float, now: float
) -> None:
    """Not even when the clock was set back by a year."""
    assert 0.0 <= Throttle(interval_s).sent(sent_at).hold_s(now) <= interval_s
