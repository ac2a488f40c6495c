"""Limits per kind: so many run at once, whoever runs them, and other kinds are not held up."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from mcp_server.jobs.job import Attempt
from mcp_server.jobs.outcome import Retry
from mcp_server.jobs.records import Claim
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job

pytestmark = pytest.mark.anyio

KINDS = ("free", "tight")


async def claim(
    bench: Bench,
    limit: int = 9,
    *,
    worker: str = "w1",
    limits: Mapping[str, int] | None = None,
    abilities: Collection[str] = (),
) -> list[Attempt]:
    """Claim jobs of which `tight` ones are limited to two, unless something else is said."""
    asked = Claim(
        id=f"{worker}.{bench.now}",
        worker_id=worker,
        limit=limit,
        kinds=KINDS,
        abilities=abilities,
        lease_s=30,
        limits={"tight": 2} if limits is None else limits,
    )
    bench.clock.advance(0.001)  # the next claim has another id
    return list((await bench.store.exchange([], asked, now=bench.now)).attempts)


async def test_no_more_of_a_limited_kind_are_claimed_than_may_run(bench: Bench) -> None:
    """Lanes that it may not have go to others, however unimportant those are."""
    await bench.submit("b1", *[a_job(kind="tight", priority=9)] * 5, *[a_job(kind="free")] * 3)
    claimed = await claim(bench)
    assert [attempt.job.kind for attempt in claimed] == ["tight", "tight", "free", "free", "free"]
    assert await claim(bench) == []


async def test_the_limit_of_a_kind_is_one_whatever_its_jobs_need(bench: Bench) -> None:
    """Not one for those that need an ability, and another for the rest."""
    needing = [a_job(kind="tight", requires=need) for need in ("key:x", None, "key:y")]
    await bench.submit("b1", *needing, *needing)
    claimed = await claim(bench, abilities=["key:x", "key:y"])
    assert [attempt.job.id for attempt in claimed] == ["b1.1", "b1.2"]


async def test_when_one_ends_another_may_begin(bench: Bench) -> None:
    """However it ends: what is to be tried again runs no more."""
    await bench.submit("b1", *[a_job(kind="tight")] * 4)
    first, second = await claim(bench)
    await bench.finish(first)
    [third] = await claim(bench)
    await bench.finish(second, Retry("busy"))
    assert len(await claim(bench)) == 1
    assert await claim(bench) == []
    await bench.finish(third)


async def test_the_limit_holds_over_all_workers(bench: Bench, store: JobStore) -> None:
    """Those of other processes, too; of one that died until it is rescued."""
    await bench.submit("b1", *[a_job(kind="tight")] * 4)
    async with bench.another() as other:
        assert len(await claim(other, 1, worker="w2")) == 1
        assert len(await claim(bench)) == 1
        assert await claim(other, worker="w2") == []
    await store.rescue(now=bench.now, except_worker="w1", crashes_max=9, limit=9)
    assert len(await claim(bench)) == 1


async def test_what_is_cancelled_makes_room(bench: Bench) -> None:
    """It is fenced from then on."""
    await bench.submit("b1", *[a_job(kind="tight")] * 2)
    await claim(bench)
    await bench.submit("b2", *[a_job(kind="tight")] * 3)
    await bench.cancel("b1")
    assert len(await claim(bench)) == 2


async def test_each_kind_has_its_own_limit(bench: Bench) -> None:
    """A limit of a kind that is not asked for says nothing of the others."""
    await bench.submit("b1", *[a_job(kind="tight")] * 3, *[a_job(kind="free")] * 3)
    limits = {"tight": 1, "free": 2, "somebody-elses": 1}
    kinds = [attempt.job.kind for attempt in await claim(bench, limits=limits)]
    assert sorted(kinds) == ["free", "free", "tight"]


async def test_a_limit_that_was_lowered_lets_what_runs_go_on(bench: Bench) -> None:
    """And nothing more begins until fewer run."""
    await bench.submit("b1", *[a_job(kind="tight")] * 5)
    running = await claim(bench, limits={"tight": 3})
    assert await claim(bench, limits={"tight": 1}) == []
    for attempt in running:
        await bench.finish(attempt)
    assert len(await claim(bench, limits={"tight": 1})) == 1
