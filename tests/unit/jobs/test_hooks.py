"""`on_error` hooks: what they are told, and that they cost nobody anything."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import cast

import anyio
import pytest
from pydantic import BaseModel

from mcp_server.jobs.handler import Failure, Handler, OnError
from mcp_server.jobs.job import Job
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.worker.hooks import HOOKS_MAX, Hooks
from tests.unit.jobs.rig import Rig, Toy, a_toy, toy

pytestmark = pytest.mark.anyio


async def told(*failures: Failure, hook: OnError[Toy], payload: type[BaseModel] = Toy) -> None:
    """Let a registry tell `hook` of failures."""
    registry = Registry([Handler("toy", cast("type[Toy]", payload), toy.run, None, hook)])
    for failure in failures:
        await Hooks(registry).tell(failure)


@pytest.fixture
async def job(rig: Rig) -> Job:
    """A stored job that has failed."""
    [id] = await rig.submit("b_1", a_toy("fall"))
    stored = await rig.store.job(id)
    assert stored is not None
    return stored


def fell(job: Job, *, final: bool = True, exception: Exception | None = None) -> Failure:
    """Return the failure of an attempt at `job`."""
    code = "fallen" if final else None
    return Failure(job=job, code=code, reason="it fell", final=final, exception=exception)


async def test_the_hook_of_a_kind_is_told_of_a_failure_with_the_payload(job: Job) -> None:
    """Whether it is for good, why, and what was raised."""
    heard: list[tuple[Failure, Toy]] = []

    async def hear(failure: Failure, payload: Toy) -> None:
        heard.append((failure, payload))

    error = ValueError("no")
    other = fell(job._replace(kind="other"))
    await told(fell(job, exception=error), fell(job, final=False), other, hook=hear)
    assert [payload for _, payload in heard] == [Toy(act="fall")] * 2
    assert [failure.final for failure, _ in heard] == [True, False]
    assert heard[0][0].exception is error


async def test_what_a_hook_raises_is_logged_and_swallowed(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    """So is a payload that no longer fits; the job's end is stored already."""

    async def fall(failure: Failure, payload: Toy) -> None:
        message = "the hook fell, too"
        raise SystemExit(message)

    class Other(BaseModel, extra="forbid"):
        n: int

    await told(fell(job), hook=fall)
    await told(fell(job), hook=fall, payload=Other)
    assert capsys.readouterr().out.count("an on_error hook failed") == 2


async def test_a_hook_is_ended_by_nothing_that_it_raises(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even by what ends programs, or by the cancellation of what it waited for."""

    async def interrupt(failure: Failure, payload: Toy) -> None:
        raise KeyboardInterrupt

    async def wait_for_nothing(failure: Failure, payload: Toy) -> None:
        nothing = asyncio.get_running_loop().create_future()
        nothing.cancel()
        await nothing

    await told(fell(job), hook=interrupt)
    await told(fell(job), hook=wait_for_nothing)
    assert capsys.readouterr().out.count("an on_error hook failed") == 2


async def test_of_many_failures_a_few_are_told_at_once(job: Job) -> None:
    """A batch that fails as a whole does not open as many connections as it has jobs."""
    running, most, go_on = 0, list[int](), anyio.Event()

    async def count(failure: Failure, payload: Toy) -> None:
        nonlocal running
        running += 1
        most.append(running)
        await go_on.wait()
        running -= 1

    hooks = Hooks(Registry([Handler("toy", Toy, toy.run, None, count)]))
    async with anyio.create_task_group() as tasks:
        for _ in range(3 * HOOKS_MAX):
            tasks.start_soon(hooks.tell, fell(job))
        await anyio.wait_all_tasks_blocked()
        assert len(most) == HOOKS_MAX
        go_on.set()
    assert (len(most), max(most)) == (3 * HOOKS_MAX, HOOKS_MAX)


async def test_a_hook_ends_with_the_worker(job: Job) -> None:
    """It does not swallow being cancelled."""
    waiting = anyio.Event()

    async def wait(failure: Failure, payload: Toy) -> None:
        waiting.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(told, fell(job), hook=wait))
        await waiting.wait()
        tasks.cancel_scope.cancel()
    assert tasks.cancel_scope.cancelled_caught
