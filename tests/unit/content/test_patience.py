"""How long a provider that turns requests away is waited for."""

from __future__ import annotations

from contextlib import suppress

import pytest

from mcp_server.content.drafting.errors import ModelBusy, ModelRefused, ModelTrouble
from mcp_server.content.drafting.patience import PATIENCE_S, WAIT_MAX_S, Patience
from tests.harness import ManualClock

START = 1_000_000.0


def asked(patience: Patience, clock: ManualClock, ends: ModelTrouble | None = None) -> float | None:
    """Ask once, which ends so; return after how many seconds to ask again, `None` for never."""
    with suppress(ModelTrouble), patience.counting(clock):
        if ends is not None:
            raise ends
    at = ends.again_at if isinstance(ends, ModelBusy) else None
    return None if at is None else at - clock.now()


def turned_away(after_s: float | None = None) -> ModelBusy:
    """Return what a request ends in that was not taken up."""
    return ModelBusy("m", "HTTP 429", after_s=after_s, turned_away=True)


def test_waits_grow_to_a_minute_and_end_after_a_quarter_of_an_hour() -> None:
    """All of them together are longer than the longest limit of a minute by far."""
    patience, clock = Patience(), ManualClock(START)
    waits: list[float] = []
    while (wait_s := asked(patience, clock, turned_away())) is not None:
        waits.append(wait_s)
        clock.advance(wait_s)
    assert 10 <= waits[0] <= 15
    assert max(waits) <= 1.5 * WAIT_MAX_S
    assert PATIENCE_S < sum(waits) <= PATIENCE_S + 1.5 * WAIT_MAX_S
    assert len(waits) < 25


def test_who_says_how_long_is_asked_then_and_not_before() -> None:
    """Also where that is longer than patience; it is not waited for a second time."""
    patience, clock = Patience(), ManualClock(START)
    assert asked(patience, clock, turned_away(3_600.0)) == 3_600.0
    clock.advance(3_600)
    assert asked(patience, clock, turned_away(90.0)) == 90.0
    clock.advance(3_600)
    assert asked(patience, clock, turned_away(20.0)) is None


def test_who_always_says_in_a_second_is_asked_ever_more_seldom() -> None:
    """A header that means nothing must not make a thousand requests."""
    patience, clock = Patience(), ManualClock(START)
    count = 0
    while (wait_s := asked(patience, clock, turned_away(1.0))) is not None:
        clock.advance(wait_s)
        count += 1
    assert count < 40


@pytest.mark.parametrize(
    "ends", [None, ModelRefused("m", "too long"), ModelBusy("m", "HTTP 500", after_s=5.0)], ids=str
)
def test_patience_begins_anew_with_every_request_that_was_taken_up(
    ends: ModelTrouble | None,
) -> None:
    """So a batch of hundreds may take hours, where three get through a minute."""
    patience, clock = Patience(), ManualClock(START)
    for _ in range(100):
        assert asked(patience, clock, turned_away()) is not None
        clock.advance(PATIENCE_S - 1)
        assert asked(patience, clock, ends) is None


def test_many_sections_do_not_come_back_at_once() -> None:
    """Fifty that were turned away in one moment."""
    patience, clock = Patience(), ManualClock(START)
    waits = [asked(patience, clock, turned_away()) for _ in range(50)]
    assert len({round(wait_s or 0.0, 2) for wait_s in waits}) > 40
