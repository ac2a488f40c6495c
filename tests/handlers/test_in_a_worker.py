"""Our kinds in a worker: the queue, the handler, and what it asks outside the database together."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Job, JobState, Step
from tests.harness import Desk, ManualClock, desk, small_site
from tests.promises.moves import QUICK, drafts, gate, jobs_of, publish, says, settings, words
from tests.waiting import until

pytestmark = pytest.mark.anyio

OWNER = "local"


def services_of(chat: Desk) -> Services:
    """Return the services of a desk in this process."""
    assert chat.services is not None
    return chat.services


async def only_job(chat: Desk, batch_id: str) -> Job:
    """Return the job of a batch that has one."""
    [job] = await services_of(chat).batches.jobs(batch_id, owner=OWNER)
    return job


async def once_it_is(chat: Desk, job: Job, state: JobState) -> Job:
    """Return the job as soon as it is in this state."""
    return await until(partial(stored, chat, job.id), lambda job: job.state is state)


async def stored(chat: Desk, job_id: str) -> Job:
    """Return a job as it is now."""
    return await services_of(chat).queue.get(job_id)


async def test_a_busy_provider_is_asked_again_by_the_queue_until_the_draft_is_there(
    tmp_path: Path, llmock: LLMock
) -> None:
    """A rate limit for as long as it says, an error with the backoff; each is the job's reason.

    Meanwhile the job waits in the queue and holds no lane. Once it is done it has no reason left.
    """
    root = small_site(tmp_path, {"menu": 1}, **settings(llmock.base_url("openai")))
    llmock.rate_limit(times=1, retry_after=600)
    llmock.fail(500)
    says(llmock, "At last.")
    clock = ManualClock(time.time())  # no try is due before the test says so
    async with desk(root, clock=clock) as chat:
        batch_id = (await chat.call("generate-all"))["batchId"]
        limited = await once_it_is(chat, await only_job(chat, batch_id), JobState.SCHEDULED)
        assert (limited.attempts, len(llmock.requests)) == (1, 1)
        assert limited.reason is not None and "429" in limited.reason
        assert limited.due_at - clock.now() > 500

        clock.advance(600)
        broken = await again(chat, limited, JobState.SCHEDULED)
        assert (broken.attempts, len(llmock.requests)) == (2, 2)
        assert broken.reason is not None and "500" in broken.reason

        clock.advance(60)
        done = await again(chat, broken, JobState.COMPLETED)
        seen = await chat.call("status", batchId=batch_id)
    assert (done.attempts, done.code, done.reason) == (3, None, None)
    assert seen["message"] == "1 of 1 drafted."
    [draft] = await drafts(root, "menu/s1")
    assert words(draft.markdown or "") == "At last."
    assert draft.job_id == done.id


async def again(chat: Desk, job: Job, state: JobState) -> Job:
    """Return the job once its next try has ended so."""
    tried = job.attempts
    return await until(
        partial(stored, chat, job.id), lambda job: job.attempts > tried and job.state is state
    )


async def test_the_step_of_a_draft_is_seen_while_its_job_runs(
    tmp_path: Path, llmock: LLMock
) -> None:
    """In the job's row, and by who asks `status` for that job or for its batch."""
    with gate(llmock) as held_up:
        root = small_site(tmp_path, {"menu": 1}, **settings(held_up.url))
        says(llmock, "Written.")
        async with desk(root) as chat:
            batch_id = (await chat.call("generate-all"))["batchId"]
            job = await only_job(chat, batch_id)
            await held_up.reached()
            writing = Step(2, 3, "writing")
            job = await until(partial(stored, chat, job.id), lambda job: job.step == writing)
            one = (await chat.call("status", jobId=job.id, waitSeconds=0))["job"]
            whole = await chat.call("status", batchId=batch_id, waitSeconds=0)
            held_up.open()
            ended = await once_it_is(chat, job, JobState.COMPLETED)
    assert (one["state"], one["step"]) == ("processing", "writing")
    assert whole["operations"][0]["currentTask"] == "drafting menu/s1"
    assert ended.step == Step(3, 3, "checking")


async def test_the_steps_of_an_export_are_kept_with_its_job(tmp_path: Path) -> None:
    """Put together, compared with what is there, written or removed."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        promoted = await publish(chat, menu_s1="one")
        back = (await chat.run("rollback"))["batchId"]
    steps = [
        job.step
        for batch_id in (promoted, back)
        for job in await jobs_of(root, batch_id)
        if job.kind == "content-export"
    ]
    writing, removing = "writing content/menu.md", "removing content/menu.md"
    assert steps == [Step(3, 3, writing), Step(3, 3, removing)]
