"""Effects: applied once, together with the job's end, and only if nothing moved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    MarkWithdrawn,
    Require,
    SavePageFile,
    SaveRemoval,
    SaveRevision,
)
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Revision
from mcp_server.entities.page_files import KnownFile
from mcp_server.entities.store import EntityStore
from mcp_server.jobs.job import BatchState, Dedup, JobState
from mcp_server.jobs.outcome import Done, Enqueue, Fail
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job, a_text

pytestmark = pytest.mark.anyio

MENU = KnownFile(page="menu", file="menu.md", layout="one")


def removal(text: Revision) -> Revision:
    """Make the revision that says that the text is gone."""
    return replace(text, fields={}, markdown=None)


async def test_effects_are_applied_with_the_end_of_the_job(
    bench: Bench, entities: EntityStore
) -> None:
    """The revision knows which batch and job wrote it, and when."""
    await bench.submit()
    text = a_text(base="0" * 32, input_tokens=7, cost_usd=0.5)
    await bench.work(Done(effects=(SaveRevision(text, ABSENT),)))
    entity = await entities.get(PREVIEW, "menu/hero")
    assert entity is not None
    stored = entity.current
    assert (stored.batch_id, stored.job_id, stored.created_at) == ("b1", "b1.1", bench.now)
    same = replace(stored, batch_id=None, job_id=None, id=0, created_at=0.0)
    assert same == text
    assert await entities.revisions_of_batch("b1") == [stored]


async def test_an_effect_that_meets_something_else_fails_the_job_and_undoes_the_others(
    bench: Bench, entities: EntityStore
) -> None:
    """None of them stays applied, follow-ups included; the job says what moved."""
    await bench.submit("b0", effects=(SaveRevision(a_text("menu/hero", "moved"), ABSENT),))
    await bench.submit("b1", a_job(kind="second"))
    effects = (
        SaveRevision(a_text("menu/team"), ABSENT),
        SavePageFile(MENU),
        Enqueue(a_job(kind="export")),
        Require(PREVIEW, "menu/hero", a_text("menu/hero", "planned").hash or ""),
    )
    job = await bench.work(Done(effects=effects), kinds=["second"])
    assert (job.state, job.code) == (JobState.FAILED, "conflict")
    assert job.reason is not None and "menu/hero" in job.reason
    assert await entities.get(PREVIEW, "menu/team") is None
    assert await entities.page_files() == {}
    assert await bench.states("b1") == ["failed"]
    batch = await bench.batch("b1")
    assert (batch.state, batch.total, batch.failed) == (BatchState.FAILED, 1, 1)


async def test_text_that_comes_too_late_is_kept_and_is_not_current(
    bench: Bench, entities: EntityStore
) -> None:
    """What was paid for is not thrown away (R5)."""
    edit = a_text(text="by hand")
    await bench.submit("b0", effects=(SaveRevision(edit, ABSENT),))
    await bench.submit("b1", a_job(kind="draft"))
    paid = SaveRevision(a_text(text="paid"), ABSENT, keep_on_conflict=True)
    free = SaveRevision(a_text("menu/team", "free"), ABSENT)
    job = await bench.work(Done(effects=(free, paid)), kinds=["draft"])
    assert job.code == "conflict"
    entity = await entities.get(PREVIEW, "menu/hero")
    assert entity is not None and entity.hash == edit.hash
    [kept] = await entities.revisions_of_batch("b1")
    assert (kept.hash, kept.job_id) == (paid.revision.hash, "b1.1")
    assert [revision.hash for revision in await entities.history(PREVIEW, "menu/hero")] == [
        edit.hash
    ]


@pytest.mark.parametrize(
    ("expects", "holds"),
    [(ABSENT, False), (ANY, True), (a_text().hash, True), ("0" * 32, False)],
    ids=["absent", "any", "its-hash", "another-hash"],
)
@pytest.mark.parametrize("kind", ["require", "save", "remove"])
async def test_an_effect_expects_a_hash_nothing_or_anything(
    bench: Bench, expects: str, holds: bool, kind: str
) -> None:
    """Where there is a text."""
    await bench.submit("b0", effects=(SaveRevision(a_text(), ABSENT),))
    await bench.submit("b1", a_job(kind="second"))
    effect = {
        "require": Require(PREVIEW, "menu/hero", expects),
        "save": SaveRevision(a_text(text="new"), expects),
        "remove": SaveRemoval(removal(a_text()), expects),
    }[kind]
    job = await bench.work(Done(effects=(effect,)), kinds=["second"])
    assert (job.code is None) is holds


@pytest.mark.parametrize("removed", [True, False], ids=["removed", "never-there"])
async def test_where_there_is_no_text_absent_holds_and_a_hash_does_not(
    bench: Bench, removed: bool
) -> None:
    """A removal is as good as never."""
    if removed:
        await bench.submit("b0", effects=(SaveRevision(a_text(), ABSENT),))
        await bench.submit("b1", effects=(SaveRemoval(removal(a_text()), ANY),))
    await bench.submit("b2", a_job(kind="a"), a_job(kind="b"))
    hash = a_text().hash or ""
    job = await bench.work(Done(effects=(Require(PREVIEW, "menu/hero", hash),)), kinds=["a"])
    assert job.code == "conflict"
    job = await bench.work(Done(effects=(Require(PREVIEW, "menu/hero", ABSENT),)), kinds=["b"])
    assert job.code is None


async def test_effects_of_one_job_see_each_other(bench: Bench, entities: EntityStore) -> None:
    """They are applied in their order."""
    await bench.submit()
    first, live = a_text(), a_text().as_type(PRODUCTION)
    effects = (
        SaveRevision(first, ABSENT),
        Require(PREVIEW, "menu/hero", first.hash or ""),
        SaveRevision(live, ABSENT),
        MarkWithdrawn("menu/hero", first.hash or ""),
    )
    job = await bench.work(Done(effects=effects))
    assert job.state is JobState.COMPLETED
    draft = await entities.get(PREVIEW, "menu/hero")
    assert draft is not None and draft.withdrawn


async def test_a_failure_may_have_effects(bench: Bench, entities: EntityStore) -> None:
    """A promote that finds an edited file keeps the edited text and fails."""
    await bench.submit()
    job = await bench.work(Fail("conflict", "edited", (SaveRevision(a_text(), ABSENT),)))
    assert (job.state, job.code, job.reason) == (JobState.FAILED, "conflict", "edited")
    assert await entities.get(PREVIEW, "menu/hero") is not None


async def test_effects_are_applied_once_however_often_they_are_reported(
    bench: Bench, entities: EntityStore
) -> None:
    """The second report is answered with the stored job."""
    await bench.submit()
    attempt = await bench.start()
    outcome = Done(effects=(SaveRevision(a_text(), ANY), Enqueue(a_job(kind="export"))))
    await bench.finish(attempt, outcome)
    await bench.finish(attempt, outcome)
    assert len(await entities.history(PREVIEW, "menu/hero")) == 1
    assert await bench.states() == ["completed", "pending"]


async def test_a_checkpoint_is_applied_while_the_attempt_goes_on(
    bench: Bench, store: JobStore, entities: EntityStore
) -> None:
    """It stays when the attempt is lost afterwards."""
    await bench.submit()
    attempt = await bench.start()
    assert await store.checkpoint(attempt, [SavePageFile(MENU)], now=bench.now) is None
    assert await bench.states() == ["processing"]
    bench.clock.advance(31)
    await bench.rescue()
    assert await entities.page_files() == {"menu": replace(MENU, version=1)}


async def test_a_checkpoint_that_does_not_apply_says_so_and_changes_nothing(
    bench: Bench, store: JobStore, entities: EntityStore
) -> None:
    """The attempt decides what to make of it."""
    await bench.submit()
    attempt = await bench.start()
    effects = (SavePageFile(MENU), Require(PREVIEW, "menu/hero", "0" * 32))
    conflict = await store.checkpoint(attempt, effects, now=bench.now)
    assert conflict is not None and "menu/hero" in conflict
    assert await entities.page_files() == {}
    assert (await bench.finish(attempt)).state is JobState.COMPLETED


async def test_a_follow_up_joins_the_batch_which_ends_only_after_it(bench: Bench) -> None:
    """It has the batch's origin; counted only if it says so."""
    await bench.submit()
    follow_ups = (
        Enqueue(a_job(kind="export", subject="menu", counted=False)),
        Enqueue(a_job(kind="more")),
    )
    await bench.work(Done(effects=follow_ups))
    batch = await bench.batch()
    assert (batch.state, batch.total, batch.completed) == (BatchState.PROCESSING, 2, 1)
    _, export, more = await bench.store.jobs("b1")
    assert (export.subject, export.origin, export.batch_id) == ("menu", batch.origin, "b1")
    assert (export.counted, more.counted) == (False, True)
    await bench.work(kinds=["more"])
    assert not (await bench.batch()).ended
    await bench.work(kinds=["export"])
    batch = await bench.batch()
    assert (batch.state, batch.completed, batch.total) == (BatchState.COMPLETED, 2, 2)


async def test_a_follow_up_of_a_job_alone_is_alone(bench: Bench) -> None:
    """It belongs to no batch, and to the same owner."""
    await bench.enqueue("alone")
    await bench.work(Done(effects=(Enqueue(a_job(kind="export")),)))
    attempt = await bench.start(kinds=["export"])
    assert (attempt.job.batch_id, attempt.job.origin.owner) == (None, "ada")
    await bench.finish(attempt)


async def test_a_follow_up_whose_key_is_held_is_not_queued(bench: Bench) -> None:
    """The job that asks for it ends all the same."""
    held = a_job(kind="other", dedup=Dedup.SKIP, dedup_key="k")
    await bench.enqueue("alone", held)
    await bench.submit()
    job = await bench.work(Done(effects=(Enqueue(held), Enqueue(held))))
    assert job.state is JobState.COMPLETED
    assert await bench.states() == ["completed"]
    assert (await bench.batch()).state is BatchState.COMPLETED


async def test_a_handlers_mistake_in_an_effect_leaves_nothing_behind(bench: Bench) -> None:
    """What is no effect at all is refused before anything of that end is stored."""
    await bench.submit()
    attempt = await bench.start()
    with pytest.raises(AssertionError):
        await bench.finish(attempt, Done(effects=(SaveRevision(a_text(), ABSENT), "rubbish")))
    assert await bench.states() == ["processing"]
    assert await bench.entities.get(PREVIEW, "menu/hero") is None
    with bench.raw.locked():
        pass  # nobody else holds the write lock
    assert (await bench.finish(attempt)).state is JobState.COMPLETED
