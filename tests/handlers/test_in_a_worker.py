"""Our kinds in a worker: the queue, the handler, and what it asks outside the database together."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Job, JobState, Step
from tests.harness import Desk, ManualClock, desk, small_site
from tests.hostile_model import Hostile, answer, completion, hostile
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


async def test_a_provider_that_turns_requests_away_is_waited_for_and_costs_no_retry(
    tmp_path: Path,
) -> None:
    """For as long as it says, or else for more than a minute in all; an error costs a retry.

    Each is the job's reason. Meanwhile the job waits in the queue and holds no lane. Once it is
    done it has no reason left.
    """
    fields = json.dumps({"title": "Menu", "text": "At last."})
    scripts = [answer("{}", 429, retry_after="600"), *[answer("{}", 429)] * 6, answer("{}", 503)]
    scripts += [answer("{}", 500), answer(completion("url", fields))]
    clock = ManualClock(time.time())  # no try is due before the test says so
    with hostile(*scripts) as server:
        root = small_site(tmp_path, {"menu": 1}, max_retries=1, **settings(server.url))
        async with desk(root, clock=clock) as chat:
            batch_id = (await chat.call("generate-all"))["batchId"]
            waiting = await once_it_is(chat, await only_job(chat, batch_id), JobState.SCHEDULED)
            assert waiting.reason is not None and "429" in waiting.reason
            assert waiting.due_at - clock.now() > 500
            clock.advance(600)
            for count in range(2, 9):
                waiting = await asked_so_often(chat, waiting, server, count)
                assert (waiting.code, waiting.attempts) == ("snoozed", 0)
                assert 10 <= waiting.due_at - clock.now() <= 90
                clock.advance(90)
            assert waiting.reason is not None and "503" in waiting.reason

            broken = await asked_so_often(chat, waiting, server, 9)
            assert (broken.code, broken.attempts) == ("retrying", 1)
            assert broken.reason is not None and "500" in broken.reason
            clock.advance(60)
            done = await once_it_is(chat, broken, JobState.COMPLETED)
            seen = await chat.call("status", batchId=batch_id)
    assert (done.attempts, done.code, done.reason) == (2, None, None)
    assert seen["message"] == "1 of 1 drafted."
    [draft] = await drafts(root, "menu/s1")
    assert words(draft.markdown or "") == "At last."
    assert draft.job_id == done.id


async def test_a_provider_that_takes_nothing_for_a_quarter_of_an_hour_pauses_the_batch(
    tmp_path: Path, llmock: LLMock
) -> None:
    """Nothing failed, and who retries it later gets the same patience again."""
    root = small_site(tmp_path, {"menu": 2}, **settings(llmock.base_url("openai")))
    llmock.fail(429, times=None)
    clock = ManualClock(time.time())
    async with desk(root, clock=clock) as chat:
        batch_id = (await chat.call("generate-all"))["batchId"]
        job = await only_first(chat, batch_id)
        await once_it_is(chat, job, JobState.SCHEDULED)
        clock.advance(16 * 60)
        await once_it_is(chat, job, JobState.PAUSED)
        paused = await chat.call("status", batchId=batch_id)
        llmock.reset()
        says(llmock, "At last.", times=2)
        await chat.call("retry", batchId=batch_id)
        done = await chat.call("status", batchId=batch_id, waitSeconds=45)
    assert paused["operations"][0]["status"] == "paused"
    assert "HTTP 429" in paused["message"] and "retry" in paused["message"]
    assert done["message"] == "2 of 2 drafted."


async def test_who_waits_for_a_model_that_is_away_is_told_so(tmp_path: Path) -> None:
    """In the answer of `status`, in its list and in the progress of a call that waits."""
    with hostile(answer("{}", 503)) as server:
        root = small_site(tmp_path, {"menu": 1}, **settings(server.url))
        async with desk(root, clock=ManualClock(time.time())) as chat:
            batch_id = (await chat.call("generate-all"))["batchId"]
            await once_it_is(chat, await only_job(chat, batch_id), JobState.SCHEDULED)
            chat.progress = notes = list[tuple[float, float | None, str | None]]()
            seen = await chat.call("status", batchId=batch_id, waitSeconds=1)
            listed = await chat.call("status")
    why = "waiting: writer could not answer now (HTTP 503)"
    assert f"0/1 · {why}, again in about " in seen["message"]
    assert f"0/1 · {why}" in [message for _, _, message in notes]
    for answered in (seen, listed):
        assert answered["operations"][0]["currentTask"].startswith(f"{why}, again in about ")


async def test_a_provider_that_asks_to_wait_for_a_day_pauses_the_batch(tmp_path: Path) -> None:
    """No worker stays for so long; the sentence says when to retry, and who does is not kept."""
    fields = json.dumps({"title": "Menu", "text": "At last."})
    scripts = [answer("{}", 429, retry_after="86400"), answer(completion("url", fields))]
    with hostile(*scripts) as server:
        root = small_site(tmp_path, {"menu": 1}, **settings(server.url))
        async with desk(root) as chat:
            batch_id = (await chat.call("generate-all"))["batchId"]
            paused = await chat.call("status", batchId=batch_id, waitSeconds=45)
            await chat.call("retry", batchId=batch_id)
            done = await chat.call("status", batchId=batch_id, waitSeconds=45)
    assert "paused" in paused["message"]
    assert "It asks to wait 24 hours; `retry` goes on then." in paused["message"]
    assert done["message"] == "1 of 1 drafted."


async def only_first(chat: Desk, batch_id: str) -> Job:
    """Return the first job of a batch."""
    first, *_ = await services_of(chat).batches.jobs(batch_id, owner=OWNER)
    return first


async def asked_so_often(chat: Desk, job: Job, server: Hostile, count: int) -> Job:
    """Return a job as it waits again, for longer, once the model has been asked so often."""
    return await until(
        partial(stored, chat, job.id),
        lambda now: (
            len(server.requests) == count
            and now.state is JobState.SCHEDULED
            and now.due_at > job.due_at
        ),
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
