"""Time and ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_server.clock import ALPHABET, SystemClock, moment, new_id, shown_moment
from tests.harness import ManualClock


def test_an_id_is_a_prefix_and_letters_that_nobody_confuses() -> None:
    """26 of them, without i, l, o and u."""
    id = new_id("b", SystemClock())
    assert re.fullmatch(rf"b_[{ALPHABET}]{{26}}", id)
    assert not set("ilou") & set(ALPHABET) and len(set(ALPHABET)) == 32


@settings(deadline=None)
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


NOON = 1_795_262_400.0
"""2026-11-21 12:00 UTC."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T14:30", "2026-11-20 14:30 UTC"),
        ("2026-11-20T14:30+02:00", "2026-11-20 12:30 UTC"),
        ("2026-11-20T14:30:00Z", "2026-11-20 14:30 UTC"),
        (" 7d ", "2026-11-14 12:00 UTC"),
        ("12 H", "2026-11-21"),
        ("1w", "2026-11-14 12:00 UTC"),
        ("0001-01-01T00:00+14:00", "1970-01-01"),
        ("9999-12-31T23:59-14:00", "9999-12-31"),
    ],
)
def test_a_day_a_time_or_a_span_names_a_moment(text: str, shown: str) -> None:
    """Days begin in UTC."""
    assert shown_moment(moment(text, now=NOON)) == shown


@pytest.mark.parametrize("text", ["", "last week", "7", "99999d", "2026-13-01"])
def test_what_names_no_moment_is_refused(text: str) -> None:
    """With the one error that callers turn into a sentence."""
    with pytest.raises(ValueError):  # noqa: PT011 - who calls says it in words of its own
        moment(text, now=NOON)
