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
    """Also where that is as long as patience; it is not waited for a second time."""
    patience, clock = Patience(), ManualClock(START)
    assert asked(patience, clock, turned_away(PATIENCE_S)) == PATIENCE_S
    clock.advance(PATIENCE_S)
    assert asked(patience, clock, turned_away(90.0)) == 90.0
    clock.advance(PATIENCE_S + 1)
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
    """Fifty that were asked, and turned away, in one moment."""
    patience, clock = Patience(), ManualClock(START)
    under_way = [patience.counting(clock) for _ in range(50)]
    for question in under_way:
        question.__enter__()
    ends = [turned_away() for _ in under_way]
    for question, busy in zip(under_way, ends, strict=True):
        with suppress(ModelBusy):
            question.__exit__(ModelBusy, busy, None)
    assert len({round(busy.again_at or 0.0, 2) for busy in ends}) > 40


def test_while_one_waits_the_others_do_not_ask() -> None:
    """They say why, wait until after it, and leave the way free once a question was taken up."""
    patience, clock = Patience(), ManualClock(START)
    wait_s = asked(patience, clock, turned_away()) or 0.0
    clock.advance(wait_s - 1)
    put_off = [not_asked(patience, clock) for _ in range(3)]
    assert {str(busy) for busy in put_off} == {"m could not answer now (HTTP 429)."}
    assert all(busy.turned_away for busy in put_off)
    ats = [busy.again_at or 0.0 for busy in put_off]
    assert clock.now() + 1 < ats[0] < ats[1] < ats[2] < clock.now() + 3
    clock.advance(1)
    assert asked(patience, clock) is None
    assert asked(patience, clock, turned_away()) is not None


def test_an_answer_to_what_was_asked_before_lets_the_others_ask() -> None:
    """A server with few places has one again when a text is written."""
    patience, clock = Patience(), ManualClock(START)
    with patience.counting(clock):
        assert asked(patience, clock, turned_away()) is not None
        assert not_asked(patience, clock).again_at is not None
    assert asked(patience, clock) is None


def test_a_limit_of_a_few_requests_a_minute_is_got_through_though_refusals_count() -> None:
    """Twenty-one sections in four lanes, five requests a minute."""
    patience, clock = Patience(), ManualClock(START)
    due, requests, done = [START] * 21, list[float](), 0
    while due:
        due.sort()
        clock.advance(max(0.5, due[0] - clock.now()))
        try:
            with patience.counting(clock):
                lately = [at for at in requests if at > clock.now() - 60]
                requests.append(clock.now())
                if len(lately) >= 5:
                    raise turned_away()
            done += 1
            due.pop(0)
        except ModelBusy as busy:
            if busy.again_at is None:
                break
            due[0] = busy.again_at
    assert done == 21
    assert len(requests) < 21 * 2
    assert requests[-1] - START < 10 * 60


@pytest.mark.parametrize(
    ("after_s", "said"),
    [
        (PATIENCE_S + 1, "16 minutes"),
        (2 * 3_600.0, "2 hours"),
        (24 * 3_600.0, "24 hours"),
    ],
)
@pytest.mark.parametrize("taken_up", [False, True])
def test_a_longer_wait_than_patience_is_left_to_a_person(
    after_s: float, said: str, taken_up: bool
) -> None:
    """The worker that would have to remember it has long left by then. Who retries is not kept."""
    patience, clock = Patience(), ManualClock(START)
    busy = ModelBusy("m", "HTTP 429", after_s=after_s, turned_away=not taken_up)
    assert asked(patience, clock, busy) is None
    assert busy.advice == f"It asks to wait {said}; `retry` goes on then."
    assert asked(patience, clock, turned_away()) is not None


def test_all_batches_that_wait_for_a_model_pause_together() -> None:
    """The first to pause gives the others no new patience; who retries later has all of it."""
    patience, clock = Patience(), ManualClock(START)
    while (wait_s := asked(patience, clock, turned_away())) is not None:
        clock.advance(wait_s)
    clock.advance(1.5 * WAIT_MAX_S)
    other = turned_away()
    assert asked(patience, clock, other) is None
    assert other.advice is not None and "too long" in other.advice
    clock.advance(WAIT_MAX_S)
    assert asked(patience, clock, turned_away()) is not None


def not_asked(patience: Patience, clock: ManualClock) -> ModelBusy:
    """Return what a question ends in that is not to be asked now."""
    with pytest.raises(ModelBusy) as raised, patience.counting(clock):
        pytest.fail("the model was asked")
    return raised.value
