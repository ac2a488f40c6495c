"""Time and ids."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mcp_server.clock import ALPHABET, SystemClock, new_id
from tests.harness import ManualClock


def test_an_id_is_a_prefix_and_letters_that_nobody_confuses() -> None:
    """26 of them, without i, l, o and u."""
    id = new_id("b", SystemClock())
    assert re.fullmatch(rf"b_[{ALPHABET}]{{26}}", id)
    assert not set("ilou") & set(ALPHABET) and len(set(ALPHABET)) == 32


@given(first=st.floats(0, 4e9), later=st.floats(0.001, 1e6))
def test_ids_sort_by_the_time_they_were_made(first: float, later: float) -> None:
    """To the millisecond."""
    clock = ManualClock(first)
    one = new_id("b", clock)
    clock.advance(later + 0.001)
    assert one < new_id("b", clock)


def test_ids_of_the_same_moment_differ() -> None:
    """And nobody can guess the next."""
    clock = ManualClock()
    assert len({new_id("b", clock) for _ in range(1000)}) == 1000


def test_the_systems_clock_is_the_machines() -> None:
    """In seconds since the epoch."""
    assert SystemClock().now() > 1.7e9
