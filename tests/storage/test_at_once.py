"""Jobs that are done by the transaction that submits them: all, once, or none."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.entities.entity import PRODUCTION
from mcp_server.errors import InvalidPayload
from mcp_server.jobs.job import BatchState, Dedup, JobState
from mcp_server.jobs.records import DoneAtOnce, Request, Submission
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job, a_text

pytestmark = pytest.mark.anyio

SPENDS = Request(key="digest", digest="the call")


def done(section: str, *, batch: str = "b1") -> DoneAtOnce:
    """Make a job that makes a text live, where there is none."""
    live = a_text(section, type=PRODUCTION)
    made = a_job(subject=section, dedup=Dedup.SKIP, dedup_key=f"change:{section}")
    return DoneAtOnce(
        f"{batch}.{section}", made, {"section": section}, [SaveRevision(live, ABSENT)]
    )


async def hand_in(bench: Bench, *jobs: DoneAtOnce, id: str = "b1", **more: Any) -> Submission:
    """Hand in a batch that is done at once."""
    made: dict[str, Any] = {"jobs": [], "at_once": jobs, "spends": SPENDS}
    return await bench.submit(id, **(made | more))


async def test_they_are_completed_and_counted_with_their_texts(
    bench: Bench, store: JobStore
) -> None:
    """R28: a batch without anything that follows has ended; a worker finds nothing to do."""
    found = await hand_in(bench, done("menu/a"), done("menu/b"))
    assert found.batch is not None
    assert (found.batch.state, found.batch.completed, found.batch.total) == (
        BatchState.COMPLETED,
        2,
        2,
    )
    jobs = await store.jobs("b1")
    assert [(job.state, job.result) for job in jobs] == [
        (JobState.COMPLETED, {"section": "menu/a"}),
        (JobState.COMPLETED, {"section": "menu/b"}),
    ]
    written = await bench.entities.revisions_of_batch("b1")
    assert [(text.type, text.job_id) for text in written] == [
        (PRODUCTION, "b1.menu/a"),
        (PRODUCTION, "b1.menu/b"),
    ]
    assert not await bench.claim(9)


async def test_their_batch_goes_on_until_what_follows_is_over(
    bench: Bench, store: JobStore
) -> None:
    """R3, R21, R28: until then it holds its sections."""
    follows = [("b1.file", a_job(counted=False))]
    found = await hand_in(bench, done("menu/a"), jobs=follows)
    assert found.batch is not None and found.batch.state is BatchState.PENDING
    refused = await hand_in(bench, done("menu/a", batch="b2"), id="b2", spends=None)
    assert refused.batch is None
    assert [batch and batch.id for batch in refused.held.values()] == ["b1"]
    [attempt] = await bench.claim(9)
    assert attempt.job.id == "b1.file"


async def test_one_that_cannot_be_done_leaves_nothing(bench: Bench, store: JobStore) -> None:
    """R28: no batch, no text, and what was to be spent is not."""
    await hand_in(bench, done("menu/b", batch="b0"), id="b0", spends=None)
    found = await hand_in(bench, done("menu/a"), done("menu/b"))
    assert found.batch is None
    assert found.conflict is not None and "menu/b" in found.conflict
    assert await store.batch("b1") is None
    assert await bench.entities.get(PRODUCTION, "menu/a") is None
    assert await store.spent(SPENDS, owner="ada") is None


async def test_what_is_spent_leads_to_its_batch_and_serves_no_other_call(
    bench: Bench, store: JobStore
) -> None:
    """R28: of no owner; after a day it is forgotten, and has lapsed."""
    await hand_in(bench, done("menu/a"))
    again = await hand_in(bench, done("menu/c", batch="b2"), id="b2")
    assert again.duplicate and again.batch is not None and again.batch.id == "b1"
    other = Request(key="digest", digest="another call")
    with pytest.raises(InvalidPayload, match="spent already, by batch b1"):
        await hand_in(bench, done("menu/c", batch="b2"), id="b2", spends=other)
    with pytest.raises(InvalidPayload, match="spent already"):
        await store.spent(other, owner="ada")
    for request in (other, SPENDS):
        with pytest.raises(InvalidPayload, match="spent already, by somebody else"):
            await store.spent(request, owner="eve")
    bench.clock.advance(24 * 3600 + 1)
    assert await store.forget_requests(now=bench.now, limit=9) == 1
    assert await store.spent(SPENDS, owner="ada") is None
