"""R17 to R19: taking a batch up again, what is pruned when, and how a batch is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.jobs.job import JobState
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from tests.harness import Desk, desk, read_site, small_site, write_settings, write_site
from tests.promises.moves import (
    QUICK,
    Later,
    brief,
    drafts,
    gate,
    held,
    jobs_of,
    live,
    parts_of,
    publish,
    redraft,
    says,
    settings,
    words,
    write_draft,
)

pytestmark = pytest.mark.anyio

DAY_S = 24 * 3600


async def operation(chat: Desk, batch_id: str) -> dict[str, Any]:
    """Return a batch as `status` lists it now."""
    answer = await chat.call("status", batchId=batch_id, waitSeconds=0)
    return answer["operations"][0]


def title(root: Path, page: str, section: str, text: str | None) -> None:
    """Give a section its title, or take it away: without one the composer cannot write it."""
    site = read_site(root)
    for each in site["pages"]:
        for found in each["sections"]:
            if (each["id"], found["id"]) == (page, section):
                found["facts"] = {"title": text} if text else {}
    write_site(root, site)


async def test_a_paused_batch_goes_on_with_its_round_and_what_is_configured_now(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R17: one section was drafted before the key was refused; the answer says what is new."""
    root = small_site(tmp_path, {"menu": 3}, **settings(llmock.base_url("openai")))
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        says(llmock, "Before.")
        await hand.work(1)
        llmock.fail(401, times=None)
        await hand.work(1)
        paused = await operation(chat, batch)
        assert (paused["status"], paused["progress"]) == ("paused", "1/3")
    llmock.reset()
    says(llmock, "After.", times=None)
    write_settings(root, **settings(llmock.base_url("openai")) | {"model": "other"})
    brief(root, menu_s3="with a new brief")
    async with desk(root) as chat:
        going_on = await chat.run("retry", batchId=batch)
        assert going_on["batchId"] == batch and going_on["model"] == "other"
        assert any("other" in note for note in going_on["notes"])
        assert any("site.yaml" in note for note in going_on["notes"])
        assert (await operation(chat, batch))["progress"] == "3/3"
    texts = [(await drafts(root, f"menu/s{n}"))[-1] for n in (1, 2, 3)]
    assert [words(text.markdown or "") for text in texts] == ["Before.", "After.", "After."]
    assert [text.author.name for text in texts] == ["writer", "other", "other"]
    assert {job.round for job in await jobs_of(root, batch)} == {1}


async def test_an_ended_batch_opens_the_next_round_with_what_failed(tmp_path: Path) -> None:
    """R17: the ones that were drafted are left alone; the facts are those of now."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    title(root, "menu", "s2", None)
    async with desk(root) as chat:
        first = await chat.run("generate-all")
        batch = first["batchId"]
        assert (first["status"], first["operation"]["progress"]) == ("failed", "3/3")
        title(root, "menu", "s2", "At last")
        again = await chat.run("retry", batchId=batch)
        assert (again["batchId"], again["queuedSections"]) == (batch, 1)
        assert (again["status"], again["operation"]["progress"]) == ("completed", "1/1")
        assert again["operation"]["percentComplete"] == 100
    assert [job.round for job in await jobs_of(root, batch)] == [1, 2, 1]
    assert len(await drafts(root, "menu/s1")) == 1


async def test_a_cancelled_promotion_goes_on_under_the_site_of_now_and_says_so(
    tmp_path: Path,
) -> None:
    """R17: every verb's retry says that site.yaml has changed."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="One", menu_s2="Two")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await chat.call("cancel", batchId=batch)
        unchanged = await chat.call("retry", batchId=batch)
        assert not any("site.yaml" in note for note in unchanged.get("notes", ()))
        await chat.call("cancel", batchId=batch)
        title(root, "menu", "s1", "Another title")
        again = await chat.call("retry", batchId=batch)
        assert any("site.yaml" in note for note in again["notes"])
        await hand.finish()
    assert len(live(root)) == 2


async def test_conflicts_are_left_out_of_a_retry_with_the_call_that_helps(tmp_path: Path) -> None:
    """R17: the one that was cancelled is taken up."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two", menu_s2="two")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await write_draft(root, "menu/s1", "by hand")
        await hand.work(1)
        await chat.call("cancel", batchId=batch)
        again = await chat.call("retry", batchId=batch)
        assert again["queuedSections"] == 1
        (left_out,) = again["skipped"]
        assert left_out["section"] == "menu/s1"
        helps = "is a conflict; promote it again, with force if the live text may go ("
        assert left_out["reason"].startswith(helps)
        await hand.finish()
        assert live(root) == {"menu/s1": "one", "menu/s2": "two"}


async def test_a_batch_with_nothing_but_conflicts_has_nothing_to_retry(tmp_path: Path) -> None:
    """R17: completed, total 0, and what helps instead."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await write_draft(root, "menu/s1", "by hand")
        await hand.finish()
        again = await chat.call("retry", batchId=batch)
        assert (again["status"], again["totalSections"]) == ("completed", 0)
        assert "promote it again" in again["skipped"][0]["reason"]


async def test_a_section_in_another_unfinished_batch_is_left_out_of_a_retry(
    tmp_path: Path,
) -> None:
    """R17: with that batch's id."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        first = (await chat.call("generate-all"))["batchId"]
        await chat.call("cancel", batchId=first)
        second = (await chat.call("generate", section="menu/s1"))["batchId"]
        again = await chat.call("retry", batchId=first)
        assert again["queuedSections"] == 1
        assert [(s["section"], s["batchId"]) for s in again["skipped"]] == [("menu/s1", second)]
        await hand.finish()
        assert (await operation(chat, first))["progress"] == "1/1"


async def test_retry_is_refused_while_the_batch_runs(tmp_path: Path, llmock: LLMock) -> None:
    """R17: waiting is running too; the refusal names what helps."""
    with gate(llmock) as door:
        says(llmock, "Written.", times=None)
        root = small_site(tmp_path, {"menu": 1}, **settings(door.url))
        async with desk(root) as chat:
            batch = (await chat.call("generate-all"))["batchId"]
            await door.reached()
            refusal = await chat.refused("retry", batchId=batch)
            assert "processing" in refusal and "status" in refusal
            door.open()
            ended = await chat.call("status", batchId=batch, waitSeconds=45)
            assert ended["operations"][0]["progress"] == "1/1"


async def test_retry_is_refused_after_the_batchs_rollback(tmp_path: Path) -> None:
    """R17: until that rollback is taken back itself, or was given up before it did anything."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="1", menu_s2="2", menu_s3="3")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(2)
        await chat.call("cancel", batchId=batch)
        await hand.finish()
        given_up = (await chat.call("rollback", batchId=batch))["batchId"]
        assert given_up in await chat.refused("retry", batchId=batch)
        await chat.call("cancel", batchId=given_up)
        assert (await chat.call("retry", batchId=batch))["queuedSections"] == 1
        await chat.call("cancel", batchId=batch)
        back = (await chat.call("rollback", batchId=batch))["batchId"]
        await hand.finish()
        refusal = await chat.refused("retry", batchId=batch)
        assert "rolled back" in refusal and back in refusal
        for allowed in (True, False, True):
            back = (await chat.call("rollback", batchId=back))["batchId"]
            await hand.finish()
            if not allowed:
                assert "rolled back" in await chat.refused("retry", batchId=batch)
        assert (await chat.call("retry", batchId=batch))["queuedSections"] == 1
        await hand.finish()
        assert set(live(root)) == {"menu/s1", "menu/s2", "menu/s3"}


async def prune(root: Path, days: float) -> int:
    """Prune as the worker would so many days later; return how many jobs went."""
    clock = Later(days * DAY_S)
    async with parts_of(root, clock) as parts:
        return await Maintenance(parts.store, clock, MaintenanceSettings()).prune()


async def test_completed_jobs_of_completed_batches_are_pruned_after_a_day(tmp_path: Path) -> None:
    """R18: their batches and texts stay, and can be promoted and taken back."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        drafted = await redraft(chat, menu_s1="one", menu_s2="one")
        assert await prune(root, 0.9) == 0
        assert await prune(root, 1.1) == 2
        promoted = (await chat.run("promote", batchId=drafted))["batchId"]
        assert await prune(root, 1.1) > 2  # those of the file with them
        assert await jobs_of(root, promoted) == []
        assert (await operation(chat, drafted))["progress"] == "2/2"
        assert (await operation(chat, promoted))["status"] == "completed"
        await chat.run("rollback", batchId=promoted)
        assert live(root) == {}


async def test_mondays_retry_of_fridays_batch_works(tmp_path: Path) -> None:
    """R18: jobs of a batch that failed stay for 30 days after its end, also completed ones."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    title(root, "menu", "s2", None)
    clock = Later()
    async with desk(root, clock=clock) as chat:
        batch = (await chat.run("generate-all"))["batchId"]
        clock.ahead_s = 3 * DAY_S
        assert await prune(root, 3) == 0
        title(root, "menu", "s2", "At last")
        again = await chat.run("retry", batchId=batch)
        assert (again["status"], again["queuedSections"]) == ("completed", 1)
        assert await prune(root, 3.9) == 0
        assert await prune(root, 4.1) == 3


async def test_what_nobody_took_up_goes_after_thirty_days(tmp_path: Path) -> None:
    """R18: then a retry finds nothing."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    title(root, "menu", "s2", None)
    async with desk(root) as chat:
        batch = (await chat.run("generate-all"))["batchId"]
        assert await prune(root, 29.9) == 0
        assert await prune(root, 30.1) == 2
        assert (await operation(chat, batch))["status"] == "failed"
        assert (await chat.run("retry", batchId=batch))["totalSections"] == 0


async def test_no_job_of_an_unfinished_batch_is_pruned(tmp_path: Path) -> None:
    """R18: however long it is paused."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        await hand.work(2)
        assert await prune(root, 365) == 0
        await hand.finish()
        assert (await operation(chat, batch))["progress"] == "3/3"


async def test_a_cancelled_job_of_a_completed_batch_can_be_retried_days_later(
    tmp_path: Path,
) -> None:
    """R18 and R19: one of three was cancelled, so the batch is completed, with the count."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        second = (await jobs_of(root, batch))[1]
        await chat.call("cancel", jobId=second.id)
        await hand.finish()
        ended = await chat.call("status", batchId=batch)
        (shown,) = ended["operations"]
        assert (shown["status"], shown["progress"]) == ("completed", "3/3")
        assert "2 of 3 drafted, 1 cancelled" in ended["message"]
        assert await prune(root, 3) == 2
        assert (await chat.call("retry", batchId=batch))["queuedSections"] == 1
        await hand.finish()
        assert (await operation(chat, batch))["progress"] == "1/1"


async def test_percent_counts_what_has_ended_one_way_or_another(tmp_path: Path) -> None:
    """R19: completed, failed and cancelled alike, of this round's sections."""
    root = small_site(tmp_path, {"menu": 5}, **QUICK)
    title(root, "menu", "s1", None)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        seen = [(await operation(chat, batch))["percentComplete"]]
        for state in (JobState.FAILED, JobState.COMPLETED):
            (job,) = await hand.work(1)
            assert job.state is state
            seen.append((await operation(chat, batch))["percentComplete"])
        await chat.call("cancel", jobId=(await jobs_of(root, batch))[4].id)
        seen.append((await operation(chat, batch))["percentComplete"])
        await hand.finish()
        seen.append((await operation(chat, batch))["percentComplete"])
        assert seen == [0, 20, 40, 60, 100]
        assert (await operation(chat, batch))["status"] == "failed"
        title(root, "menu", "s1", "At last")
        await chat.call("retry", batchId=batch)
        assert (await operation(chat, batch))["progress"] == "0/2"


async def test_a_batch_that_was_stopped_is_cancelled(tmp_path: Path) -> None:
    """R19: what was done stays done, and the answer counts it; retry takes up only the rest."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        await hand.work(1)
        stopped = await chat.call("cancel", batchId=batch)
        assert (stopped["stopped"], stopped["neverStarted"], stopped["alreadyDone"]) == (0, 3, 1)
        assert await hand.finish() == []
        assert (await operation(chat, batch))["status"] == "cancelled"
        assert (await chat.call("retry", batchId=batch))["queuedSections"] == 3
        await hand.finish()
        assert (await operation(chat, batch))["status"] == "completed"
        assert len(await drafts(root, "menu/s1")) == 1
