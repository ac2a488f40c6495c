"""Jobs outside any batch, as their owner and a worker look at them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mcp_server.jobs.job import OURS, Batch, Job, Origin
from mcp_server.jobs.outcome import Fail
from mcp_server.jobs.records import Question
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job

pytestmark = pytest.mark.anyio


def ids(operations: Sequence[Batch | Job]) -> list[str]:
    """Return who they are."""
    return [operation.id for operation in operations]


async def test_they_are_listed_newest_first_as_far_back_as_asked(
    bench: Bench, store: JobStore
) -> None:
    """Only those of their owner, and none of a batch; what ended apart from what did not."""
    for n in range(1, 6):
        await bench.enqueue(f"j{n}")
    await store.enqueue("eves", a_job(), origin=Origin("eve", "test"), now=bench.now)
    await bench.submit("b1", a_job(delay_s=9))
    await bench.work()
    await bench.work(Fail("no", "it cannot"))
    await bench.start()
    assert ids(await store.alone(owner="ada", active=True, limit=9)) == ["j5", "j4", "j3"]
    first = await store.alone(owner="ada", active=False, limit=1)
    assert ids(first) == ["j2"]
    rest = await store.alone(owner="ada", active=False, before=first[0].order, limit=9)
    assert ids(rest) == ["j1"]
    older = await store.alone(owner="ada", active=True, before=first[0].order + 2, limit=9)
    assert ids(older) == ["j3"]


async def test_what_is_under_way_is_neither_paused_nor_over(bench: Bench, store: JobStore) -> None:
    """Batches first; what is scheduled counts."""
    await bench.submit("done")
    await bench.work()
    await bench.submit("still")
    await store.pause("still", "no key")
    for id in ("b1", "b2"):
        await bench.submit(id, a_job(kind="other"))
    await bench.enqueue("later", a_job(delay_s=99))
    await bench.enqueue("now")
    assert ids(await store.under_way(owner="ada", limit=9)) == ["b1", "b2", "later", "now"]
    assert ids(await store.under_way(owner="ada", limit=3)) == ["b1", "b2", "later"]
    assert ids(await store.under_way(owner="ada", limit=1)) == ["b1"]
    assert await store.under_way(owner="eve", limit=9) == []


async def test_everybodys_are_found_for_who_may_see_all(bench: Bench, store: JobStore) -> None:
    """Merged newest first, page by page, whoever asked for them."""
    for n, owner in enumerate(["ada", "eve", "ada", "bob"]):
        await store.enqueue(f"j{n}", a_job(), origin=Origin(owner, "test"), now=bench.now)
    await bench.submit("b1", a_job(kind="other"))
    await bench.submit("b2", a_job(kind="other"), origin=Origin("eve", "test"))
    assert ids(await store.batches(owner=None, limit=9)) == ["b2", "b1"]
    first = await store.alone(owner=None, active=True, limit=3)
    assert ids(first) == ["j3", "j2", "j1"]
    rest = await store.alone(owner=None, active=True, before=first[-1].order, limit=3)
    assert ids(rest) == ["j0"]
    under_way = await store.under_way(owner=None, limit=4)
    assert ids(under_way) == ["b1", "b2", "j0", "j1"]


async def test_nobody_is_told_of_what_pressroom_does_by_itself(
    bench: Bench, store: JobStore
) -> None:
    """It is its owner that decides: a job of somebody's is listed whether it is counted or not."""
    before = await store.cursor(owner=None)
    await bench.enqueue("adas", a_job(counted=False))
    await store.enqueue("ours", a_job(counted=True), origin=OURS, now=bench.now)
    assert ids(await store.alone(owner=None, active=True, limit=9)) == ["adas"]
    assert ids(await store.alone(owner="ada", active=True, limit=9)) == ["adas"]
    assert ids(await store.under_way(owner=None, limit=9)) == ["adas"]
    [told] = await store.updates([Question(before, {}, None)], limit=9)
    assert ids(told.jobs) == ["adas"]
    named = await store.job("ours")
    assert named is not None and named.order not in (await store.cursor(owner=None)).jobs
    await bench.work()
    await bench.work()
    assert ids(await store.alone(owner=None, active=False, limit=9)) == ["adas"]


async def test_what_nobody_has_is_told_of_jobs_in_a_batch_and_outside_any(
    bench: Bench, store: JobStore
) -> None:
    """By ability, with the batches to be paused; and by kind."""
    await bench.submit("b1", a_job(requires="key:x"), a_job(requires="key:y"))
    await bench.enqueue("alone", a_job(requires="key:z"))
    await bench.enqueue("both", a_job(requires="key:x"))
    await bench.enqueue("strange", a_job(kind="strange", requires="key:w"))
    await bench.enqueue("later", a_job(kind="stranger", delay_s=9))
    found = await store.unclaimable(kinds={"work"}, abilities={"key:y"})
    assert found == {"key:x": ["b1"], "key:z": []}
    assert await store.unclaimable(kinds={"work"}, abilities={"key:x", "key:y", "key:z"}) == {}
    assert await store.unknown_kinds({"work"}) == ["strange"]
    assert await store.unknown_kinds({"work", "strange"}) == []
