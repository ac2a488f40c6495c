"""A request key stands for the batch that it was answered with, whatever became of that (R2)."""

from __future__ import annotations

import pytest

from mcp_server.jobs.job import Dedup
from mcp_server.jobs.outcome import Fail
from mcp_server.jobs.records import Request
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job

pytestmark = pytest.mark.anyio

REQUEST = Request(key="r", digest="d")


async def remembered(bench: Bench, store: JobStore) -> str | None:
    """Return the batch that the request stands for."""
    found = await store.requested(REQUEST, owner="ada", now=bench.now)
    return found.id if found else None


async def test_a_request_that_met_a_batch_under_way_still_stands_for_it_after_its_end(
    bench: Bench, store: JobStore
) -> None:
    """Resending it queues nothing twice."""
    await bench.submit("b1", submit_key="k")
    await bench.submit("b2", submit_key="k", request=REQUEST)
    await bench.work()
    again = await bench.submit("b3", submit_key="k", request=REQUEST)
    assert again.batch is not None and (again.batch.id, again.duplicate) == ("b1", True)
    assert await store.batch("b3") is None


async def test_a_request_can_be_remembered_for_a_batch_that_holds_all_it_asks_for(
    bench: Bench, store: JobStore
) -> None:
    """A batch of which nothing was stored is answered with the one that is there."""
    await bench.submit("b1")
    await store.remember(REQUEST, "b1", owner="ada", now=bench.now)
    assert await remembered(bench, store) == "b1"


async def test_a_retry_that_reopened_nothing_leaves_its_request_key_free(
    bench: Bench, store: JobStore
) -> None:
    """The same call later, when something can be taken up, is no repeat."""
    await bench.submit("b1", mine := a_job(dedup=Dedup.SKIP, dedup_key="menu/hero"))
    await bench.work(Fail("no", "it cannot"))
    await bench.submit("b2", mine)
    assert (await bench.retry(request=REQUEST)).batch is None
    assert await remembered(bench, store) is None
    await bench.work()
    reopened = await bench.retry(request=REQUEST)
    assert reopened.batch is not None and reopened.batch.round == 2
    assert await remembered(bench, store) == "b1"


async def test_a_retry_that_resumed_a_paused_batch_is_remembered(
    bench: Bench, store: JobStore
) -> None:
    """Its round goes on once."""
    await bench.submit("b1")
    await store.pause("b1", "no key")
    await bench.retry(request=REQUEST)
    assert await remembered(bench, store) == "b1"
