"""Handing in batches and jobs: whole or not at all, and what repeats something is found."""

from __future__ import annotations

import pytest

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.entities.entity import PREVIEW
from mcp_server.entities.store import EntityStore
from mcp_server.errors import InvalidPayload
from mcp_server.jobs.job import BatchState, Dedup, JobState, NewJob, Priority
from mcp_server.jobs.outcome import Done, Enqueue, Fail
from mcp_server.jobs.records import Request
from mcp_server.jobs.store import JobStore
from tests.storage.stores import DAY_S, DONE, ORIGIN, Bench, a_job, a_text

pytestmark = pytest.mark.anyio


def skipping(key: str = "menu/hero") -> NewJob:
    """Make a job that is not queued while another holds its key."""
    return a_job(dedup=Dedup.SKIP, dedup_key=key)


def joining(key: str = "export:menu", **different: object) -> NewJob:
    """Make a job that joins one that waits under its key."""
    return a_job(dedup=Dedup.COALESCE, dedup_key=key, counted=False, **different)


async def test_a_batch_comes_back_as_it_was_handed_in(bench: Bench, store: JobStore) -> None:
    """With its origin, terms and details, and its jobs in their order."""
    first = a_job(subject="menu/hero", payload={"größe": [1, None]}, priority=Priority.HIGH)
    made = await bench.submit(
        "b1", first, a_job(max_retries=0), terms={"site": "s"}, details={"mode": "new"}
    )
    assert made.batch == await bench.batch()
    assert not made.duplicate
    assert made.batch is not None
    assert (made.batch.state, made.batch.total, made.batch.finished) == (BatchState.PENDING, 2, 0)
    assert (made.batch.origin, made.batch.terms, made.batch.round) == (ORIGIN, {"site": "s"}, 1)
    stored = await store.batch("b1")
    assert stored is not None and stored.details == {"mode": "new"}
    jobs = await store.jobs("b1")
    assert [job.id for job in jobs] == ["b1.1", "b1.2"]
    assert jobs[0].payload == {"größe": [1, None]}
    assert (jobs[0].subject, jobs[0].priority, jobs[0].batch_id) == ("menu/hero", 10, "b1")
    assert (jobs[0].state, jobs[0].origin, jobs[1].max_retries) == (JobState.PENDING, ORIGIN, 0)
    assert jobs[0] == await bench.job("b1.1")


async def test_a_batch_is_there_for_another_process_at_once(bench: Bench) -> None:
    """An id that was returned survives whatever becomes of this process."""
    await bench.submit("b1", a_job(), a_job())
    async with bench.another() as other:
        assert await other.batch() == await bench.batch()
        assert len(await other.store.jobs("b1")) == 2


async def test_a_batch_of_nothing_is_not_stored(bench: Bench, store: JobStore) -> None:
    """No id is returned that means nothing."""
    made = await bench.submit("b1", jobs=[])
    assert made.batch is None
    assert await store.batch("b1") is None


async def test_five_hundred_jobs_are_stored_and_listed_without_a_hidden_limit(
    bench: Bench, store: JobStore
) -> None:
    """And page by page where that is asked for."""
    await bench.submit("b1", *[a_job() for _ in range(500)])
    assert len(await store.jobs("b1")) == 500
    page = await store.jobs("b1", after=498, limit=10)
    assert [job.id for job in page] == ["b1.499", "b1.500"]


async def test_the_same_submit_key_answers_the_unfinished_batch(
    bench: Bench, store: JobStore
) -> None:
    """The second batch is not stored."""
    first = await bench.submit("b1", submit_key="k")
    again = await bench.submit("b2", submit_key="k")
    assert (again.batch, again.duplicate) == (first.batch, True)
    assert await store.batch("b2") is None


async def test_two_processes_that_submit_the_same_get_one_batch(bench: Bench) -> None:
    """Whoever is second is answered with the first one's."""
    async with bench.another() as other:
        first = await bench.submit("b1", submit_key="k")
        second = await other.submit("b2", submit_key="k")
    assert first.batch is not None and second.batch is not None
    assert (second.batch.id, second.duplicate) == ("b1", True)


async def test_a_submit_key_is_free_once_its_batch_has_ended(bench: Bench) -> None:
    """The same call means new work then."""
    await bench.submit("b1", submit_key="k")
    await bench.work()
    again = await bench.submit("b2", submit_key="k")
    assert again.batch is not None and again.batch.id == "b2"


async def test_a_submit_key_is_free_while_a_cancelled_batch_waits_for_its_follow_ups(
    bench: Bench,
) -> None:
    """What was cancelled is not answered again, although its round has not ended yet."""
    await bench.submit("b1", a_job(), a_job(), submit_key="k")
    await bench.work(Done(effects=(Enqueue(joining()),)))
    await bench.cancel()
    assert not (await bench.batch()).ended
    again = await bench.submit("b2", submit_key="k")
    assert again.batch is not None and again.batch.id == "b2"


async def test_a_batch_can_be_reopened_although_its_submit_key_is_taken(bench: Bench) -> None:
    """The key stays with the batch that has it now."""
    await bench.submit("b1", submit_key="k")
    await bench.work(Fail("no", "it cannot"))
    await bench.submit("b2", submit_key="k")
    reopened = await bench.retry("b1")
    assert reopened.batch is not None and reopened.batch.round == 2
    again = await bench.submit("b3", submit_key="k")
    assert again.batch is not None and again.batch.id == "b2"


async def test_a_request_key_answers_the_same_batch_for_a_day(bench: Bench) -> None:
    """Also after the batch has ended; then it is forgotten."""
    request = Request(key="r", digest="d")
    await bench.submit("b1", request=request)
    await bench.work()
    bench.clock.advance(DAY_S - 1)
    again = await bench.submit("b2", request=request)
    assert again.batch is not None and (again.batch.id, again.duplicate) == ("b1", True)
    bench.clock.advance(2)
    later = await bench.submit("b3", request=request)
    assert later.batch is not None and (later.batch.id, later.duplicate) == ("b3", False)


async def test_a_request_key_with_other_arguments_is_refused(bench: Bench, store: JobStore) -> None:
    """Nothing is stored; another owner may use the same key."""
    await bench.submit("b1", request=Request(key="r", digest="d"))
    with pytest.raises(InvalidPayload):
        await bench.submit("b2", request=Request(key="r", digest="other"))
    assert await store.batch("b2") is None
    with pytest.raises(InvalidPayload):
        await store.requested(Request(key="r", digest="other"), owner="ada", now=bench.now)
    assert await store.requested(Request(key="r", digest="d"), owner="eve", now=bench.now) is None
    found = await store.requested(Request(key="r", digest="d"), owner="ada", now=bench.now)
    assert found is not None and found.id == "b1"


async def test_a_section_in_an_unfinished_batch_is_skipped_with_that_batch(bench: Bench) -> None:
    """The rest of the new batch goes on without it."""
    await bench.submit("b1", skipping("a"))
    made = await bench.submit("b2", skipping("a"), skipping("b"))
    assert made.batch is not None and made.batch.total == 1
    assert {key: batch and batch.id for key, batch in made.held.items()} == {"a": "b1"}
    assert [job.id for job in await bench.store.jobs("b2")] == ["b2.2"]


async def test_a_batch_all_of_whose_keys_are_held_is_not_stored(
    bench: Bench, store: JobStore
) -> None:
    """Nor is what it would have cancelled or changed."""
    await bench.submit("b1", skipping("a"))
    text = a_text()
    made = await bench.submit("b2", skipping("a"), effects=(SaveRevision(text, ABSENT),))
    assert made.batch is None and set(made.held) == {"a"}
    assert await store.batch("b2") is None
    assert await bench.entities.get(PREVIEW, text.entity_id) is None


async def test_a_key_is_held_until_the_round_has_ended(bench: Bench) -> None:
    """Not only until its own job has: the batch may still be looked at as a whole."""
    await bench.submit("b1", skipping("a"), skipping("b"))
    await bench.work()
    held = await bench.submit("b2", skipping("a"))
    assert held.batch is None
    await bench.work()
    free = await bench.submit("b3", skipping("a"))
    assert free.batch is not None


async def test_a_batch_that_is_taken_up_again_holds_all_of_its_keys(bench: Bench) -> None:
    """Also those of jobs that were done in an earlier round, whoever had the key in between."""
    await bench.submit("b1", skipping("a"), skipping("b"))
    await bench.submit("other", skipping("c"))
    await bench.work()
    await bench.work(Fail("no", "it cannot"))
    for id in ("b2", "b3"):
        await bench.submit(id, skipping("a"), a_job(priority=Priority.HIGH))
        await bench.work(kinds=["work"])
        await bench.work_all()
    assert (await bench.batch("b3")).state is BatchState.COMPLETED
    await bench.submit("last", skipping("d"))
    await bench.retry("b1")
    made = await bench.submit("b4", skipping("a"), skipping("b"), skipping("e"))
    assert {key: batch and batch.id for key, batch in made.held.items()} == {"a": "b1", "b": "b1"}
    assert await bench.enqueue("alone", skipping("a")) == ("b1.1", False)
    await bench.work_all()
    assert await bench.enqueue("alone", skipping("a")) == ("alone", True)


async def test_who_has_a_key_is_the_batch_that_is_yet_to_do_it(bench: Bench) -> None:
    """Not one that was taken up again without it, though that holds all of its keys as well."""
    first = (await bench.submit("b1", skipping("a"), a_job())).batch
    assert first is not None
    await bench.submit("b2", skipping("a"), a_job(), cancels=("b1", first.change))
    again = await bench.retry("b1")
    assert again.batch is not None and again.batch.total == 1
    for held in (again, await bench.submit("b3", skipping("a"))):
        assert {key: batch and batch.id for key, batch in held.held.items()} == {"a": "b2"}
    assert await bench.enqueue("alone", skipping("a")) == ("b2.1", False)
    await bench.cancel("b2")
    assert await bench.enqueue("alone", skipping("a")) == ("b1.1", False)


async def test_a_held_key_keeps_only_jobs_out_that_are_not_to_be_repeated(bench: Bench) -> None:
    """A job that shares the key with others in another way is none of those."""
    await bench.submit("b1", skipping("a"))
    shared = a_job(dedup=Dedup.COALESCE, dedup_key="a")
    made = await bench.submit("b2", skipping("a"), shared)
    assert made.batch is not None and made.batch.total == 1
    assert [job.id for job in await bench.store.jobs("b2")] == ["b2.2"]


async def test_a_key_that_comes_twice_in_one_batch_is_queued_once(bench: Bench) -> None:
    """The first of its jobs is; the batch counts one."""
    made = await bench.submit("b1", skipping("a"), skipping("a"), skipping("b"))
    assert made.batch is not None and made.batch.total == 2
    assert [job.id for job in await bench.store.jobs("b1")] == ["b1.1", "b1.3"]


async def test_a_coalesced_job_that_joins_anothers_is_not_counted_twice(bench: Bench) -> None:
    """A batch counts the jobs it brought in, and ends although it counts none."""
    counted = a_job(dedup=Dedup.COALESCE, dedup_key="k")
    await bench.submit("b1", counted, counted)
    made = await bench.submit("b2", counted)
    assert made.batch is not None and made.batch.total == 0
    assert (await bench.batch("b1")).total == 1
    await bench.work()
    assert (await bench.batch("b1")).state is BatchState.COMPLETED
    assert (await bench.batch("b2")).state is BatchState.COMPLETED


async def test_effects_of_a_submission_are_applied_with_it(
    bench: Bench, entities: EntityStore
) -> None:
    """In the same transaction, before anything is queued."""
    text = a_text()
    await bench.submit("b1", effects=(SaveRevision(text, ABSENT),))
    stored = await entities.get(PREVIEW, text.entity_id)
    assert stored is not None and stored.hash == text.hash


async def test_a_submission_whose_effect_meets_something_else_stores_nothing(
    bench: Bench, store: JobStore, entities: EntityStore
) -> None:
    """Neither the batch nor the effects before it; the answer says why."""
    await bench.submit("b1", effects=(SaveRevision(a_text("menu/hero"), ABSENT),))
    before, taken = a_text("menu/team"), a_text("menu/hero", "later")
    effects = (SaveRevision(before, ABSENT), SaveRevision(taken, ABSENT))
    made = await bench.submit("b2", effects=effects)
    assert made.batch is None
    assert made.conflict is not None and "menu/hero" in made.conflict
    assert await store.batch("b2") is None
    assert await entities.get(PREVIEW, "menu/team") is None


async def test_a_submission_cancels_another_batch_in_the_same_transaction(bench: Bench) -> None:
    """What that batch held is free for the new one."""
    made = await bench.submit("b1", skipping("a"), skipping("b"))
    assert made.batch is not None
    taken = await bench.submit("b2", skipping("a"), cancels=("b1", made.batch.change), about="b1")
    assert taken.batch is not None and taken.batch.total == 1
    assert (await bench.batch("b1")).state is BatchState.CANCELLED
    assert [batch.id for batch in await bench.store.about("b1")] == ["b2"]


async def test_a_batch_that_moved_on_is_not_cancelled(bench: Bench, store: JobStore) -> None:
    """The answer is `stale`: plan again."""
    made = await bench.submit("b1", a_job(), a_job())
    assert made.batch is not None
    await bench.work()
    stale = await bench.submit("b2", cancels=("b1", made.batch.change))
    assert stale.stale and stale.batch is None
    assert (await bench.batch("b1")).state is BatchState.PROCESSING
    assert await store.batch("b2") is None


async def test_a_batch_that_could_not_be_stored_cancels_nothing(bench: Bench) -> None:
    """All or nothing, in both directions."""
    made = await bench.submit("b1", skipping("a"))
    await bench.submit("b2", skipping("b"))
    assert made.batch is not None
    held = await bench.submit("b3", skipping("b"), cancels=("b1", made.batch.change))
    assert held.batch is None and not held.stale
    assert (await bench.batch("b1")).state is BatchState.PENDING


async def test_a_job_outside_any_batch_is_stored_and_found(bench: Bench) -> None:
    """With its origin, and no batch."""
    id, new = await bench.enqueue("alone", a_job(subject="x"))
    job = await bench.job(id)
    assert (id, new) == ("alone", True)
    assert (job.batch_id, job.subject, job.origin) == (None, "x", ORIGIN)


@pytest.mark.parametrize("dedup", [Dedup.SKIP, Dedup.COALESCE])
async def test_a_job_outside_any_batch_finds_who_holds_its_key(bench: Bench, dedup: Dedup) -> None:
    """Until that one has ended (`skip`), or runs (`coalesce`)."""
    job = a_job(dedup=dedup, dedup_key="k")
    assert await bench.enqueue("one", job) == ("one", True)
    assert await bench.enqueue("two", job) == ("one", False)
    attempt = await bench.start()
    assert await bench.enqueue("three", job) == (
        ("one", False) if dedup is Dedup.SKIP else ("three", True)
    )
    await bench.finish(attempt)
    assert await bench.enqueue("four", job) == (
        ("four", True) if dedup is Dedup.SKIP else ("three", False)
    )


async def test_twenty_jobs_with_one_key_are_one_job(bench: Bench) -> None:
    """Without a key, or with `none`, they are twenty."""
    job = skipping("k")
    assert {(await bench.enqueue(f"same{n}", job))[0] for n in range(20)} == {"same0"}
    free = a_job(dedup=Dedup.NONE, dedup_key="k")
    assert len({(await bench.enqueue(f"free{n}", free))[0] for n in range(20)}) == 20


async def test_a_key_outside_any_batch_holds_a_batch_off_and_says_so(bench: Bench) -> None:
    """There is no batch to name."""
    await bench.enqueue("alone", skipping("a"))
    made = await bench.submit("b1", skipping("a"))
    assert made.batch is None and made.held == {"a": None}


async def test_a_job_outside_any_batch_is_a_change(bench: Bench, store: JobStore) -> None:
    """Or a worker that somebody stopped would never be started for it."""
    before = await store.last_change()
    await bench.enqueue("alone")
    assert await store.last_change() > before


async def test_a_job_comes_back_with_its_result(bench: Bench) -> None:
    """As JSON, whoever asks."""
    await bench.enqueue("alone")
    recorded = await bench.work(Done({"words": 12, "größe": None}))
    assert recorded.result == {"words": 12, "größe": None}
    assert (await bench.job("alone")).result == recorded.result
    assert DONE.result == {"ok": True}
