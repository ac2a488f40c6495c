"""The ledger of requests to models: room is looked for and taken in one step, and closed once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import anyio
import pytest

from mcp_server.entities.usage import NOTHING, Limits, Reservation, Room, Spent, Sums
from mcp_server.jobs.job import Attempt
from mcp_server.jobs.outcome import Snooze
from tests.storage.stores import DAY_S, Bench, a_job

pytestmark = pytest.mark.anyio

NO_LIMITS = Limits()
ids: Iterator[int] = count(1)


async def reserve(
    bench: Bench,
    attempt: Attempt | None,
    cost: int | None,
    limits: Limits = NO_LIMITS,
    id: str | None = None,
) -> tuple[str, Room]:
    """Ask for room for a request of an attempt, `None` for one that is long gone."""
    wanted = Reservation(
        id=id or f"u{next(ids)}",
        model="test:one",
        batch_id=attempt.job.batch_id if attempt else "b1",
        job_id=attempt.job.id if attempt else "b1.gone",
        attempt_id=attempt.id if attempt else "a",
        input_tokens=10,
        output_tokens=5,
        cost=cost,
    )
    return wanted.id, await bench.ledger.reserve(wanted, limits, now=bench.now)


async def test_an_entry_is_closed_once_and_takes_the_place_of_what_was_reserved(
    bench: Bench,
) -> None:
    """By batch, by day and by model."""
    await bench.submit("b1")
    entry, room = await reserve(bench, await bench.start(), 100)
    assert room.verdict == "granted"
    assert await bench.ledger.of_batch("b1") == Sums(open=100, requests=1)
    spent = Spent(input_tokens=7, output_tokens=3, cost=42)
    assert await bench.ledger.close(entry, spent, now=bench.now)
    assert not await bench.ledger.close(entry, NOTHING, now=bench.now)
    after = Sums(spent=42, requests=1, input_tokens=7, output_tokens=3)
    assert await bench.ledger.of_batch("b1") == after
    assert await bench.ledger.of_day(int(bench.now // DAY_S)) == after
    assert await bench.ledger.by_model() == {"test:one": after}
    assert not await bench.ledger.close("u-unknown", NOTHING, now=bench.now)


async def test_what_did_not_say_its_usage_counts_with_all_that_was_reserved(bench: Bench) -> None:
    """Where its price is known; where it is not, it is only counted."""
    await bench.submit("b1")
    attempt = await bench.start()
    for cost in (100, None):
        entry, _ = await reserve(bench, attempt, cost)
        await bench.ledger.close(entry, Spent(), now=bench.now)
    assert await bench.ledger.of_batch("b1") == Sums(spent=100, requests=2, unpriced=1)


async def test_of_many_at_once_so_many_have_room_as_the_budget_allows(bench: Bench) -> None:
    """From two processes, and each waits for what the others have reserved."""
    await bench.submit("b1", *[a_job() for _ in range(8)])
    attempts = await bench.claim(8)
    verdicts: list[str] = []

    async def ask(at: Bench, attempt: Attempt) -> None:
        _, room = await reserve(at, attempt, 30, Limits(batch=100))
        verdicts.append(room.verdict)

    async with bench.another() as other, anyio.create_task_group() as tasks:
        for attempt, at in zip(attempts, [bench, other] * 4, strict=True):
            tasks.start_soon(ask, at, attempt)
    assert sorted(verdicts) == ["granted"] * 3 + ["taken"] * 5
    assert (await bench.ledger.of_batch("b1")).counted == 90


async def test_what_a_lost_attempt_has_reserved_counts_for_good(bench: Bench) -> None:
    """Nobody will give it back, so nobody waits for it; what it does spend later counts too."""
    await bench.submit("b1", a_job(), a_job())
    lost, limits = await bench.start(), Limits(batch=100)
    entry, _ = await reserve(bench, lost, 60, limits)
    another = await bench.start()
    assert (await reserve(bench, another, 60, limits))[1].verdict == "taken"
    await bench.finish(lost, Snooze(bench.now + 60))
    _, room = await reserve(bench, another, 60, limits)
    assert (room.verdict, room.scope, room.sums.lost) == ("spent", "batch", 60)
    assert await bench.ledger.close(entry, Spent(cost=10), now=bench.now)
    assert (await reserve(bench, another, 60, limits))[1].verdict == "granted"


async def test_a_day_ends_at_midnight_and_is_that_of_the_reservation(bench: Bench) -> None:
    """A request that is answered the next day has been begun today."""
    bench.clock.at = 10 * DAY_S - 1
    limits = Limits(day=100)
    entry, _ = await reserve(bench, None, 80, limits)
    assert (await reserve(bench, None, 80, limits))[1].scope == "day"
    bench.clock.advance(2)
    assert (await reserve(bench, None, 80, limits))[1].verdict == "granted"
    await bench.ledger.close(entry, Spent(cost=70), now=bench.now)
    assert [(await bench.ledger.of_day(day)).spent for day in (9, 10)] == [70, 0]
