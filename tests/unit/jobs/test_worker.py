"""The worker: what it claims, how many at once, how it stops, and to whom it leaves the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import anyio
import pytest

from mcp_server.jobs.handler import Failure, Handler, handler
from mcp_server.jobs.job import BatchState, JobState, Priority
from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry
from mcp_server.jobs.records import Lack
from mcp_server.jobs.rules.suspects import SUSPECT_CRASHES, SUSPECT_PATIENCE_S
from tests.unit.jobs.rig import Context, Rig, Toy, a_toy, toy
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.anyio


class Gate:
    """An act that says that it was entered, and waits until it is let through."""

    def __init__(self) -> None:
        self.entered, self.open = anyio.Event(), anyio.Event()
        self.stopped = False

    async def __call__(self, context: Context) -> Outcome:
        self.entered.set()
        try:
            await self.open.wait()
        except anyio.get_cancelled_exc_class():
            self.stopped = True
            raise
        return Done()


@pytest.fixture
def gate(rig: Rig) -> Gate:
    """The gate behind which a job of act `gate` waits."""
    made = Gate()
    rig.acts["gate"] = made
    return made


async def states(rig: Rig, batch_id: str = "b") -> Sequence[JobState]:
    """Return the states of a batch's jobs."""
    return [job.state for job in await rig.store.jobs(batch_id)]


async def test_a_worker_works_by_priority_and_then_by_age(rig: Rig) -> None:
    """With one lane, one after the other."""
    order: list[str] = []

    async def note(context: Context) -> Outcome:
        order.append(context.attempt.job.subject)
        return Done()

    rig.acts["note"] = note
    for subject, priority in {"a": 0, "low": Priority.LOW, "high": Priority.HIGH, "b": 0}.items():
        await rig.submit(subject, a_toy("note", subject=subject, priority=priority))
    async with rig.working(concurrency=1):
        await rig.batches.wait("low", owner="ada")
    assert order == ["high", "a", "b", "low"]


async def test_a_worker_runs_as_many_at_once_as_it_has_lanes(rig: Rig) -> None:
    """No more, and no fewer."""
    running, most = 0, 0
    met = anyio.Event()

    async def meet(context: Context) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            met.set()
        await met.wait()
        await anyio.lowlevel.checkpoint()
        running -= 1
        return Done()

    rig.acts["meet"] = meet
    await rig.submit("b", *[a_toy("meet") for _ in range(12)])
    async with rig.working(concurrency=3):
        await rig.batches.wait("b", owner="ada")
    assert most == 3


async def test_a_job_that_comes_while_the_worker_is_idle_is_taken_up(rig: Rig) -> None:
    """By its commit, in this process or another."""
    async with rig.working():
        await rig.submit("b1", a_toy())
        assert (await rig.batches.wait("b1", owner="ada")).completed == 1
        await rig.submit("b2", a_toy())
        assert (await rig.batches.wait("b2", owner="ada")).completed == 1


async def test_a_job_is_claimed_in_the_commit_that_brings_it_to_an_idle_worker(rig: Rig) -> None:
    """One commit lies between the call and the start; two where it was just looking by itself."""
    started_at: list[int] = []

    async def note(context: Context) -> Outcome:
        started_at.append(rig.store.version)
        return Done()

    rig.acts["note"] = note
    commits: list[int] = []
    async with rig.working():
        for number in range(20):
            before = rig.store.version
            await rig.submit(f"b{number}", a_toy("note"))
            await rig.batches.wait(f"b{number}", owner="ada")
            commits.append(started_at.pop() - before)
    assert set(commits) <= {1, 2}
    assert 1 in commits


async def test_one_failing_job_does_not_stop_the_others(rig: Rig) -> None:
    """Even if it breaks its handler."""

    async def crash(context: Context) -> Outcome:
        raise RuntimeError

    rig.acts["crash"] = crash
    jobs = [a_toy(), a_toy("crash", max_retries=0), a_toy()]
    await rig.submit("b", *jobs)
    async with rig.working(concurrency=1):
        batch = await rig.batches.wait("b", owner="ada")
    assert (batch.state, batch.completed, batch.failed) == (BatchState.FAILED, 2, 1)


async def test_a_job_to_be_tried_again_is_taken_up_when_it_is_due(rig: Rig) -> None:
    """And not before."""
    tries: list[float] = []

    async def again(context: Context) -> Outcome:
        tries.append(rig.clock.now())
        if len(tries) == 1:
            return Retry("busy", after_s=60)
        if len(tries) == 2:
            return Retry("busy", after_s=0)
        return Done()

    rig.acts["again"] = again
    await rig.submit("b", a_toy("again"))
    async with rig.working():
        await wait_for_state(rig, JobState.SCHEDULED)
        rig.clock.advance(60)
        assert (await rig.batches.wait("b", owner="ada")).completed == 1
    assert len(tries) == 3
    assert tries[1] - tries[0] >= 60


async def test_a_stopping_worker_lets_running_jobs_end_and_claims_no_more(
    rig: Rig, gate: Gate
) -> None:
    """Within its grace."""
    await rig.submit("b", a_toy("gate"), a_toy())
    async with anyio.create_task_group() as tasks:
        worker = rig.worker(concurrency=1, grace_s=60)
        tasks.start_soon(worker.run)
        with anyio.fail_after(PATIENCE_S):
            await gate.entered.wait()
            worker.stop()
            gate.open.set()
    assert await states(rig) == ["completed", "pending"]
    assert await rig.store.hosts(seen_after=0) == []


async def test_what_does_not_end_within_the_grace_is_given_back_at_no_cost(
    rig: Rig, gate: Gate
) -> None:
    """The handler is cancelled; the next worker takes it up as if for the first time."""
    [job_id] = await rig.submit("b", a_toy("gate"))
    async with anyio.create_task_group() as tasks:
        worker = rig.worker(grace_s=0.01)
        tasks.start_soon(worker.run)
        with anyio.fail_after(PATIENCE_S):
            await gate.entered.wait()
            worker.stop()
    assert gate.stopped
    job = await rig.job(job_id)
    assert (job.state, job.attempts, job.crashes) == (JobState.PENDING, 0, 0)


async def test_a_worker_that_is_cancelled_gives_back_what_runs(rig: Rig, gate: Gate) -> None:
    """And leaves no row behind."""
    [job_id] = await rig.submit("b", a_toy("gate"))
    async with rig.working():
        await gate.entered.wait()
    job = await rig.job(job_id)
    assert (job.state, job.attempts, job.crashes) == (JobState.PENDING, 0, 0)
    assert await rig.store.hosts(seen_after=0) == []


async def test_the_cancellation_of_a_running_job_reaches_its_handler(rig: Rig, gate: Gate) -> None:
    """Long before a heartbeat, and the lane is free again."""
    await rig.submit("b", a_toy("gate"))
    async with rig.working(concurrency=1, heartbeat_s=60):
        await gate.entered.wait()
        await rig.batches.cancel("b", owner="ada")
        await rig.submit("b2", a_toy())
        assert (await rig.batches.wait("b2", owner="ada")).completed == 1
    assert gate.stopped
    assert await states(rig) == ["cancelled"]


async def test_a_handler_whose_lease_was_lost_is_stopped(rig: Rig, gate: Gate) -> None:
    """Somebody else took the job; this attempt writes nothing, and the job is run again."""
    [job_id] = await rig.submit("b", a_toy("gate"))
    async with rig.working(heartbeat_s=60, concurrency=1):
        await gate.entered.wait()
        rig.acts["gate"] = rig.acts["done"]
        await rig.store.rescue(now=rig.clock.now(), except_worker="other", crashes_max=10, limit=9)
        await rig.batches.wait("b", owner="ada")
    job = await rig.job(job_id)
    assert (job.state, job.crashes, job.attempts) == (JobState.COMPLETED, 1, 1)
    assert gate.stopped


async def test_a_heartbeat_keeps_the_lease_of_what_runs(rig: Rig, gate: Gate) -> None:
    """A job may run for much longer than its lease."""
    [job_id] = await rig.submit("b", a_toy("gate"))
    async with rig.working(heartbeat_s=0.01, lease_s=30):
        await gate.entered.wait()
        for _ in range(5):
            rig.clock.advance(20)
            await seen_at(rig, rig.clock.now())
        gate.open.set()
        await rig.batches.wait("b", owner="ada")
    job = await rig.job(job_id)
    assert (job.attempts, job.crashes) == (1, 0)


async def test_a_worker_that_is_alone_takes_up_what_others_left(rig: Rig) -> None:
    """At once; their leases are not waited for."""
    [job_id] = await rig.submit("b", a_toy())
    await rig.claim()
    async with rig.working():
        await rig.batches.wait("b", owner="ada")
    assert (await rig.job(job_id)).crashes == 1


async def test_a_worker_that_is_not_alone_waits_for_the_leases_of_others(rig: Rig) -> None:
    """They may be alive."""
    await rig.submit("b", a_toy())
    theirs = await rig.claim()
    async with rig.working(holds_lock=False):
        await rig.submit("b2", a_toy())
        await rig.batches.wait("b2", owner="ada")
        assert await rig.store.lost([theirs.id]) == set()
        rig.clock.advance(31)
        await rig.batches.wait("b", owner="ada")


async def test_a_worker_leaves_when_it_was_idle_for_long_enough(rig: Rig) -> None:
    """Its row is gone with it."""
    await rig.submit("b", a_toy())
    left = anyio.Event()

    async def work() -> None:
        await rig.worker(idle_s=60).run()
        left.set()

    def a_minute_later() -> bool:
        rig.clock.advance(61)
        return left.is_set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await rig.batches.wait("b", owner="ada")
        await until(a_minute_later)  # it counts from when it first finds nothing to do
    assert await rig.store.hosts(seen_after=0) == []


async def test_an_idle_worker_leaves_though_its_database_is_gone(rig: Rig) -> None:
    """Somebody removed the workspace: nobody would ever end it."""
    left = anyio.Event()

    async def work() -> None:
        await rig.worker(idle_s=60).run()
        left.set()

    def a_minute_later() -> bool:
        rig.clock.advance(61)
        return left.is_set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await rig.submit("b", a_toy())
        await rig.batches.wait("b", owner="ada")
        rig.path.rename(rig.path.with_suffix(".moved"))
        await until(a_minute_later)


async def test_a_worker_does_not_leave_while_work_is_due_soon(rig: Rig) -> None:
    """A retry in ten minutes is its own to do (R26)."""
    await rig.submit("b", a_toy(delay_s=600))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rig.worker(idle_s=0.0).run)
        with anyio.fail_after(PATIENCE_S):
            await rig.submit("b2", a_toy())
            await rig.batches.wait("b2", owner="ada")
            rig.clock.advance(600)
            assert (await rig.batches.wait("b", owner="ada")).completed == 1


def a_pen(ability: str) -> Lack:
    """What nobody has."""
    return Lack(f"a pen ({ability})", "Buy one")


async def test_without_the_key_the_batch_is_paused_and_says_which_is_missing(rig: Rig) -> None:
    """Where nobody else has it; other work goes on (R25)."""
    await rig.submit("b", a_toy(requires="key:anthropic"))
    await rig.submit("b2", a_toy())
    async with rig.working(lacking=a_pen):
        await rig.batches.wait("b2", owner="ada")
        await wait_for_state(rig, JobState.PAUSED)
    batch = await rig.batches.get("b", owner="ada")
    assert batch.state is BatchState.PAUSED
    assert batch.reason == "no worker has a pen (key:anthropic). Buy one, then call retry"


async def test_without_the_key_the_worker_hands_over_to_a_server_that_has_it(rig: Rig) -> None:
    """It stops, and leaves the batch as it is (R25)."""
    other = rig.host("server", "server", abilities=frozenset({"key:anthropic"}))
    await rig.store.announce(other, now=rig.clock.now())
    await rig.submit("b", a_toy(requires="key:anthropic"))
    with anyio.fail_after(PATIENCE_S):
        await rig.worker().run()
    assert (await rig.batches.get("b", owner="ada")).state is BatchState.PENDING


async def test_a_server_that_is_long_gone_is_not_handed_over_to(rig: Rig) -> None:
    """It announced itself, and did not live to withdraw."""
    other = rig.host("server", "server", abilities=frozenset({"key:anthropic"}))
    await rig.store.announce(other, now=rig.clock.now())
    rig.clock.advance(31)
    await rig.submit("b", a_toy(requires="key:anthropic"))
    async with rig.working():
        await wait_for_state(rig, JobState.PAUSED)


async def test_a_worker_with_the_key_works(rig: Rig) -> None:
    """Its abilities are what counts."""
    await rig.submit("b", a_toy(requires="key:anthropic"))
    async with rig.working(host=rig.host(abilities=frozenset({"key:anthropic"}))):
        assert (await rig.batches.wait("b", owner="ada")).completed == 1


async def test_a_worker_that_is_asked_to_drain_ends_what_runs_and_leaves(
    rig: Rig, gate: Gate
) -> None:
    """A newer server wants to take over."""
    await rig.submit("b", a_toy("gate"), a_toy())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rig.worker(concurrency=1, heartbeat_s=0.05, grace_s=60).run)
        with anyio.fail_after(PATIENCE_S):
            await gate.entered.wait()
            await rig.store.ask("worker", "drain")
            await rig.store.wait_for_change(0.2, since=rig.store.version)
            gate.open.set()
    assert await states(rig) in (["completed", "pending"], ["completed", "completed"])
    assert await rig.store.hosts(seen_after=0) == []


async def test_a_worker_forgets_old_jobs_when_it_starts(rig: Rig) -> None:
    """A day after their end."""
    [job_id] = await rig.submit("b", a_toy())
    await rig.run_next()
    rig.clock.advance(24 * 3600 + 1)
    async with rig.working():
        await until(lambda: rig.store.job(job_id), lambda job: job is None)
    assert (await rig.batches.get("b", owner="ada")).completed == 1


async def wait_for_state(rig: Rig, state: JobState) -> None:
    """Wait until the first job of batch `b` is in this state."""
    await until(lambda: states(rig), lambda found: found[0] is state)


async def seen_at(rig: Rig, now: float) -> None:
    """Wait until the worker has announced itself at this time or later."""
    await until(lambda: rig.store.hosts(seen_after=now - 0.001))


async def test_a_worker_that_had_to_pause_a_batch_leaves(rig: Rig) -> None:
    """What it was started with may be the cause; the next one starts with what is set by then."""

    async def refused(_: Context) -> Outcome:
        return Pause("the key was refused")

    rig.acts["refused"] = refused
    await rig.submit("b", a_toy("refused"))
    with anyio.fail_after(PATIENCE_S):
        await rig.worker(idle_s=60).run()
    batch = await rig.batches.get("b", owner="ada")
    assert (batch.state, batch.reason) == ("paused", "the key was refused")
    assert await rig.store.hosts(seen_after=0) == []


async def test_a_limited_kind_leaves_its_lanes_to_others(rig: Rig) -> None:
    """And goes on with its next job when one has ended, as nothing else would wake it."""
    running = most = 0
    together = anyio.Event()

    async def count(context: Context) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 2:
            together.set()
        await together.wait()
        running -= 1
        return Done()

    rig.registry.register(Handler("tight", Toy, toy.run, limit=2))
    rig.acts["count"] = count
    await rig.submit("b", *[a_toy("count", kind="tight", priority=9)] * 6, *[a_toy()] * 3)
    async with rig.working(concurrency=8):
        batch = await rig.batches.wait("b", owner="ada")
    assert (batch.completed, most) == (9, 2)


async def test_the_hook_of_a_kind_is_told_of_what_failed_once_it_is_stored(rig: Rig) -> None:
    """Of every try, and whether it was the last; what the hook raises is nobody's trouble."""
    told: list[tuple[str | None, bool, str]] = []

    async def hear(failure: Failure, payload: Toy) -> None:
        told.append((failure.code, failure.final, (await rig.job(failure.job.id)).state))
        raise RuntimeError

    @handler("told", Toy, on_error=hear)
    async def fails(payload: Toy, context: object) -> Outcome:
        return Retry("busy", after_s=0) if not told else Fail("no", "it cannot")

    rig.registry.register(fails)
    await rig.submit("b", a_toy(kind="told"))
    async with rig.working():
        assert (await rig.batches.wait("b", owner="ada")).failed == 1
        await until(lambda: len(told) == 2)
    assert [(code, final) for code, final, _ in told] == [(None, False), ("no", True)]
    assert told[1][2] == "failed"


async def test_the_hook_of_a_kind_is_told_what_its_handler_raised(rig: Rig) -> None:
    """The error itself, with its traceback; none where the handler answered."""
    told: list[BaseException | None] = []

    async def hear(failure: Failure, payload: Toy) -> None:
        told.append(failure.exception)

    @handler("told", Toy, on_error=hear)
    async def fails(payload: Toy, context: object) -> Outcome:
        if not told:
            raise LookupError("nothing there")
        return Fail("no", "it cannot")

    rig.registry.register(fails)
    await rig.submit("b", a_toy(kind="told"))
    async with rig.working():

        async def a_minute_later() -> bool:
            rig.clock.advance(60)
            return (await rig.batches.get("b", owner="ada")).failed > 0 and len(told) == 2

        await until(a_minute_later)
    raised, answered = told
    assert isinstance(raised, LookupError)
    assert raised.__traceback__ is not None
    assert answered is None


async def a_suspect(rig: Rig) -> str:
    """Submit a batch `suspect` whose job was lost with its worker again and again."""
    [suspect] = await rig.submit("suspect", a_toy())
    for _ in range(SUSPECT_CRASHES):
        await rig.claim()
        now = rig.clock.now()
        await rig.store.rescue(now=now, except_worker="alive", crashes_max=9, limit=9)
    return suspect


async def test_a_job_that_may_only_run_by_itself_stalls_no_lane_and_has_its_turn(
    rig: Rig, gate: Gate
) -> None:
    """What comes after it is done beside what runs; later it goes before what is urgent."""
    order: list[str] = []

    async def note(context: Context) -> Outcome:
        order.append(context.attempt.job.subject)
        return Done()

    rig.acts["done"] = note
    await a_suspect(rig)
    await rig.submit("long", a_toy("gate", priority=Priority.HIGH))
    async with rig.working(concurrency=2):
        await gate.entered.wait()
        await rig.submit("normal", a_toy(subject="normal"))
        await rig.batches.wait("normal", owner="ada")
        rig.clock.advance(SUSPECT_PATIENCE_S + 1)
        await rig.submit("late", a_toy(subject="late", priority=Priority.URGENT))
        gate.open.set()
        await rig.batches.wait("late", owner="ada")
    assert order == ["normal", "done", "late"]


async def test_a_job_that_may_only_run_by_itself_runs_when_the_last_one_has_stopped(
    rig: Rig,
) -> None:
    """Also where that was cancelled, and nothing is recorded at its end."""
    suspect = await a_suspect(rig)
    stopping, go = anyio.Event(), anyio.Event()

    async def stop_slowly(context: Context) -> Outcome:
        try:
            await anyio.sleep_forever()
        finally:
            stopping.set()
            with anyio.CancelScope(shield=True):
                await go.wait()
        return Done()

    rig.acts["slow"] = stop_slowly
    await rig.submit("slow", a_toy("slow", priority=Priority.HIGH))
    async with rig.working(concurrency=2):
        await until(lambda: states(rig, "slow"), lambda found: found == ["processing"])
        await rig.batches.cancel("slow", owner="ada")
        await stopping.wait()
        await rig.submit("urgent", a_toy(priority=Priority.HIGH))
        await rig.batches.wait("urgent", owner="ada")  # the suspect was looked at, and left
        go.set()
        await rig.batches.wait("suspect", owner="ada")
    assert (await rig.job(suspect)).state == "completed"


async def test_the_worker_outlives_its_hooks(rig: Rig) -> None:
    """What a hook waited for was cancelled; the next job is worked all the same."""

    async def wait_for_nothing(failure: Failure, payload: Toy) -> None:
        nothing = asyncio.get_running_loop().create_future()
        nothing.cancel()
        await nothing

    async def fall(payload: Toy, context: Context) -> Outcome:
        return Fail("fallen", "it fell")

    rig.registry.register(Handler("falling", Toy, fall, on_error=wait_for_nothing))
    async with rig.working() as worker:
        await rig.submit("b1", a_toy(kind="falling"))
        await rig.batches.wait("b1", owner="ada")
        await rig.submit("b2", a_toy())
        await rig.batches.wait("b2", owner="ada")
        assert not worker.stopped
    assert await states(rig, "b2") == ["completed"]
