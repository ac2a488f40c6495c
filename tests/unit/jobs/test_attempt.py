"""One attempt: whatever its handler does, it ends as an outcome, and nothing breaks the worker."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import anyio
import pytest
from pydantic_core import to_json
from structlog.testing import capture_logs

from mcp_server.errors import NotFound, StorageBusy, StorageError
from mcp_server.jobs.job import Dedup, Job, JobState, Step
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Outcome, Retry, Snooze
from mcp_server.jobs.records import Exchange, Report
from mcp_server.jobs.store import JobStore
from tests.unit.jobs.rig import ORIGIN, Context, Rig, a_toy, left
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.anyio


async def run(rig: Rig, act: Any, *, kind: str = "toy") -> Job:
    """Let a worker run one job that does `act`; return it as the attempt left it."""
    rig.acts["act"] = act
    [job_id] = await rig.submit("b", a_toy("act", kind=kind))
    async with rig.working(concurrency=1):
        return await left(rig, job_id)


async def test_what_a_handler_answers_is_stored(rig: Rig) -> None:
    """Once; the batch ends with it."""

    async def act(context: Context) -> Outcome:
        return Done({"words": 3})

    job = await run(rig, act)
    assert (job.state, job.result, job.started_at) == ("completed", {"words": 3}, rig.clock.now())
    assert (await rig.batches.get("b", owner="ada")).ended


@pytest.mark.parametrize(
    ("outcome", "state", "code"),
    [(Fail("no", "it cannot"), "failed", "no"), (Retry("it cannot"), "scheduled", "retrying")],
)
async def test_an_attempt_that_did_not_succeed_is_a_line_of_the_log(
    rig: Rig, outcome: Outcome, state: str, code: str
) -> None:
    """Which job it was, of what kind, and why it failed or is tried again; success is silent."""

    async def act(context: Context) -> Outcome:
        return outcome

    with capture_logs() as lines:
        job = await run(rig, act)
    [line] = [line for line in lines if line["event"] == "attempt ended"]
    assert (line["job_id"], line["kind"], line["log_level"]) == (job.id, "toy", "info")
    assert (line["state"], line["code"], line["reason"]) == (state, code, "it cannot")
    with capture_logs() as lines:
        [job_id] = await rig.submit("b2", a_toy())
        async with rig.working(concurrency=1):
            assert (await left(rig, job_id)).state is JobState.COMPLETED
    assert "attempt ended" not in {line["event"] for line in lines}


async def test_a_payload_that_somebody_damaged_fails_its_own_job_only(rig: Rig) -> None:
    """The next claim brings the others, and not that one for ever."""
    [damaged] = await rig.submit("b1", a_toy())
    await rig.submit("b2", a_toy())
    with closing(sqlite3.connect(rig.path)) as connection, connection:
        connection.execute("UPDATE jobs SET payload = '{' WHERE job_id = ?", (damaged,))
    async with rig.working(concurrency=1):
        assert (await rig.batches.wait("b2", owner="ada")).completed == 1
        assert (await rig.batches.wait("b1", owner="ada")).failed == 1
    with closing(sqlite3.connect(rig.path)) as connection, connection:
        connection.execute("UPDATE jobs SET payload = '{}' WHERE job_id = ?", (damaged,))
    job = await rig.job(damaged)
    assert (job.code, job.attempts) == ("refused", 1)
    assert job.reason is not None and "payload of toy" in job.reason


async def test_an_attempt_that_takes_too_long_is_stopped_and_tried_again(rig: Rig) -> None:
    """The handler is cancelled; the reason says after how long."""
    stopped: list[bool] = []

    async def act(context: Context) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            stopped.append(True)

    job = await run(rig, act, kind="hasty")
    assert (job.state, job.code, job.attempts) == (JobState.SCHEDULED, "retrying", 1)
    assert job.reason is not None and "time limit of 0.01 s" in job.reason
    assert stopped == [True]


@pytest.mark.parametrize(
    "error",
    [RuntimeError("secret"), SystemExit(1), ExceptionGroup("secret", [ValueError("secret")])],
)
async def test_a_handler_that_crashes_is_tried_again(rig: Rig, error: BaseException) -> None:
    """Its words go to the log alone; even `sys.exit()` does not end the worker."""

    async def act(context: Context) -> Outcome:
        raise error

    job = await run(rig, act)
    assert (job.state, job.attempts) == (JobState.SCHEDULED, 1)
    assert job.reason is not None
    assert type(error).__name__ in job.reason and "secret" not in job.reason


async def test_a_handler_whose_own_task_was_cancelled_is_tried_again(rig: Rig) -> None:
    """That is not our cancellation, and must not leave the job claimed for ever."""

    async def act(context: Context) -> Outcome:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task
        raise AssertionError("not reached")

    job = await run(rig, act)
    assert (job.state, job.attempts) == (JobState.SCHEDULED, 1)


async def test_a_handler_that_is_refused_fails(rig: Rig) -> None:
    """Trying again would be refused again."""

    async def act(context: Context) -> Outcome:
        raise NotFound("page", "menu")

    job = await run(rig, act)
    assert (job.state, job.code) == (JobState.FAILED, "refused")
    assert job.reason is not None and "menu" in job.reason


async def test_a_handler_that_cannot_read_is_tried_again(rig: Rig) -> None:
    """The database may be back by then."""

    async def act(context: Context) -> Outcome:
        raise StorageError("the disk reports an error")

    assert (await run(rig, act)).state is JobState.SCHEDULED


@pytest.mark.parametrize("rubbish", [None, "done", True, Done])
async def test_a_handler_that_answers_no_outcome_fails(rig: Rig, rubbish: object) -> None:
    """And the reason says what it answered."""

    async def act(context: Context) -> object:
        return rubbish

    job = await run(rig, act)
    assert (job.state, job.code) == (JobState.FAILED, "handler-error")
    assert job.reason == f"its handler answered {type(rubbish).__name__}"


@pytest.mark.parametrize(
    "outcome",
    [
        Done({"not": object()}),
        Done(effects=("no effect",)),
        Fail("no", "half a \ud800 character"),
    ],
    ids=["no-json", "no-effect", "no-text"],
)
async def test_an_outcome_that_cannot_be_stored_fails_its_job_alone(
    rig: Rig, outcome: Outcome
) -> None:
    """Otherwise the worker would break over it, again and again."""

    async def act(context: Context) -> Outcome:
        return outcome

    job = await run(rig, act)
    assert (job.state, job.code) == (JobState.FAILED, "handler-error")
    assert job.reason is not None and "cannot be stored" in job.reason


class Odd(Done):
    """What a plugin may have made of an outcome: nobody can ask whether it is there."""

    def __bool__(self) -> bool:
        raise ArithmeticError


class Unreadable(Fail):
    """One whose reason cannot be asked for."""

    def __getattribute__(self, name: str) -> Any:
        if name == "reason":
            raise LookupError
        return super().__getattribute__(name)


class Wordless(NotFound):
    """An error of ours that cannot say what it is."""

    def __str__(self) -> str:
        raise LookupError


WHEN = "time is not between the years 1970 and 9999: it is given in seconds since the epoch"
STORED = "its handler answered Done, whose result cannot be stored"
WAIT = "wait is more than a hundred years: it is given in seconds"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Snooze(10**400), f"its handler answered Snooze, whose {WHEN}"),
        (Snooze(-(10**400)), f"its handler answered Snooze, whose {WHEN}"),
        (Snooze(1.7e12), f"its handler answered Snooze, whose {WHEN}"),
        (Snooze(-1e18), f"its handler answered Snooze, whose {WHEN}"),
        (Retry("x", after_s=10**400), f"its handler answered Retry, whose {WAIT}"),
        (Retry("x", after_s=1e18), f"its handler answered Retry, whose {WAIT}"),
        (Fail("x" * 101, "y"), "its handler answered Fail, whose code has over 100 characters"),
        (
            Done({"n": float("nan")}),
            f"{STORED}: JSON has no NaN and no Infinity",
        ),
        (
            Done({"n": 10**5000}),
            f"{STORED}: a number in it has more than 4,300 digits",
        ),
        (
            Done({"n": "a" * 2**20}),
            "its handler answered Done, whose result has 1,048,584 bytes: at most 1,048,576 may be",
        ),
        (
            Done({"n": "ä" * 2**19}),
            "its handler answered Done, whose result has 1,048,584 bytes: at most 1,048,576 may be",
        ),
        (Unreadable("x", "y"), "what its handler answered cannot be read (LookupError)"),
    ],
    ids=[
        *("until-huge", "until-long-ago", "until-ms", "until-past", "after-huge", "after-far"),
        *("code", "nan", "digits", "large", "large-in-bytes", "unreadable"),
    ],
)
async def test_an_outcome_beyond_its_bounds_fails_its_job_and_says_which(
    rig: Rig, outcome: Outcome, reason: str
) -> None:
    """The worker, and whoever reads the job later, live on; nothing is stored of it."""

    async def act(context: Context) -> Outcome:
        return outcome

    job = await run(rig, act)
    assert (job.state, job.code, job.reason) == (JobState.FAILED, "handler-error", reason)
    assert job.result is None


@pytest.mark.parametrize(
    "outcome",
    [Snooze(0), Snooze(253_402_300_799), Retry("x", 100 * 365 * 86400), Retry("x", -(10**400))],
    ids=["epoch", "year-9999", "a-hundred-years", "over"],
)
async def test_a_time_within_its_bounds_is_when_the_job_is_due(rig: Rig, outcome: Outcome) -> None:
    """A wait that is over is none."""

    async def act(context: Context) -> Outcome:
        return outcome

    await rig.submit("b", a_toy("act"))
    rig.acts["act"] = act
    [job] = await rig.batches.jobs("b", owner="ada")
    await rig.run_next()
    job = await rig.job(job.id)
    assert job.state is JobState.SCHEDULED
    due = outcome.until if isinstance(outcome, Snooze) else job.created_at
    assert job.due_at >= due


async def test_a_result_at_its_bound_is_stored(rig: Rig) -> None:
    """So is one that only looks like no JSON."""
    result = {"word": "NaN", "digits": "3" * 5000}
    result["more"] = "a" * (2**20 - len(to_json(result)) - len(',"more":""'))

    async def act(context: Context) -> Outcome:
        return Done(result)

    job = await run(rig, act)
    assert (job.state, job.result) == (JobState.COMPLETED, result)
    assert len(to_json(result)) == 2**20


async def test_what_is_made_of_an_outcome_is_one(rig: Rig) -> None:
    """Only what an outcome says is read of it."""

    async def act(context: Context) -> Outcome:
        return Odd({"words": 3})

    job = await run(rig, act)
    assert (job.state, job.result) == (JobState.COMPLETED, {"words": 3})


async def test_an_answer_that_is_another_when_it_is_read_again_fails_its_job(rig: Rig) -> None:
    """It is looked at before what becomes of the job is decided, and then once more."""

    class Moody(str):
        __slots__ = ()

        def rstrip(self, chars: str | None = None, /) -> str:
            raise LookupError

    async def act(context: Context) -> Outcome:
        return Retry(Moody("busy"))

    rig.acts["act"] = act
    [job_id] = await rig.submit("b", a_toy("act", max_retries=0))
    async with rig.working(concurrency=1):
        job = await left(rig, job_id)
    assert (job.state, job.code) == (JobState.FAILED, "handler-error")
    assert job.reason == "what its handler answered cannot be stored (LookupError)"


async def test_a_long_reason_is_cut(rig: Rig) -> None:
    """Whoever reads it sees that; the rest belongs into a log."""

    async def act(context: Context) -> Outcome:
        return Fail("no", "r" * 20_000)

    job = await run(rig, act)
    assert (job.state, job.code) == (JobState.FAILED, "no")
    assert job.reason == "r" * 9_999 + "…"


async def test_an_error_of_ours_without_words_fails_its_job(rig: Rig) -> None:
    """It would be refused again; a long one is cut."""

    async def act(context: Context) -> Outcome:
        raise Wordless("page", "menu")

    job = await run(rig, act)
    assert (job.state, job.code) == (JobState.FAILED, "handler-error")
    assert job.reason == "what its handler answered cannot be read (LookupError)"


@pytest.mark.parametrize(
    ("follow_up", "why"),
    [
        (a_toy(delay_s=float("nan")), "job of kind 'toy': delay_s must be a number of seconds"),
        (a_toy(dedup=Dedup.COALESCE), "job of kind 'toy': dedup_key must be given with dedup"),
        (a_toy(kind="toi"), "No handler for jobs of kind 'toi'"),
        (a_toy(payload={"n": 1}), "payload of toy: n: Extra inputs"),
        (a_toy("a" * 1000), "payload of toy"),
        ("no job", ""),
    ],
    ids=["delay", "key", "kind", "payload", "size", "rubbish"],
)
@pytest.mark.parametrize("fails", [False, True], ids=["done", "fail"])
async def test_who_asks_for_a_job_that_cannot_be_queued_fails(
    rig: Rig, follow_up: Any, why: str, *, fails: bool
) -> None:
    """Follow-ups are checked as what is handed in is; nothing is stored of it."""

    async def act(context: Context) -> Outcome:
        effects = (Enqueue(a_toy()), Enqueue(follow_up))
        return Fail("no", "it cannot", effects) if fails else Done(effects=effects)

    job = await run(rig, act)
    assert (job.state, job.code) == (JobState.FAILED, "handler-error")
    asked = "its handler asked for a job that cannot be queued: " if why else "what its handler"
    assert job.reason is not None and job.reason.startswith(asked + why)
    assert len(await rig.batches.jobs("b", owner="ada")) == 1


async def test_a_follow_up_that_can_be_queued_is(rig: Rig) -> None:
    """The batch ends after it."""

    async def act(context: Context) -> Outcome:
        return Done(effects=(Enqueue(a_toy()),))

    rig.acts["act"] = act
    await rig.submit("b", a_toy("act"))
    async with rig.working():
        assert (await rig.batches.wait("b", owner="ada")).completed == 2


async def test_a_payload_that_no_longer_fits_fails_the_job(rig: Rig) -> None:
    """It was queued by another version; its handler is not run."""
    old = a_toy(payload={"was": 1})
    await rig.store.enqueue("old", old, origin=ORIGIN, now=rig.clock.now())
    async with rig.working():
        job = await left(rig, "old")
    assert (job.state, job.code) == (JobState.FAILED, "refused")


async def test_an_attempt_that_lost_its_claim_writes_nothing(rig: Rig) -> None:
    """The job was rescued while it ran; what it answers is dropped, and the job is run again."""
    tries: list[str] = []

    async def act(context: Context) -> Outcome:
        tries.append(context.attempt.id)
        if len(tries) == 1:
            await rescue(rig)
            await context.progress(1, 2)
        return Done({"try": len(tries)})

    job = await run(rig, act)
    assert (job.state, job.result, job.step, job.crashes) == ("completed", {"try": 2}, None, 1)


async def test_progress_is_written_seldom_and_the_last_of_it_always(rig: Rig) -> None:
    """A hundred steps at once are a few transactions."""
    changes: list[int] = []

    async def act(context: Context) -> Outcome:
        changes.append(await rig.store.last_change())
        for n in range(100):
            await context.progress(n, 100, f"step {n}")
        return Done()

    job = await run(rig, act)
    assert job.step == Step(current=99, total=100, message="step 99")
    assert await rig.store.last_change() - changes[0] <= 5


async def test_progress_can_be_seen_while_the_job_runs(rig: Rig) -> None:
    """By whoever reads the batch with what is running."""
    seen: list[Step | None] = []

    async def act(context: Context) -> Outcome:
        await context.progress(1, 4, "asking")
        since = 0
        while seen[-1:] != [Step(current=1, total=4, message="asking")]:
            await rig.store.wait_for_change(5, since=since)
            since = rig.store.version
            batch = await rig.batches.get("b", owner="ada")
            seen.extend(job.step for job in batch.running)
        return Done()

    with anyio.fail_after(PATIENCE_S):
        assert (await run(rig, act)).state is JobState.COMPLETED


@pytest.mark.parametrize(
    ("current", "total"),
    [(float("nan"), 1.0), (1, float("inf")), (10**400, 1), ("one", 2), (None, None)],
)
async def test_progress_that_is_no_number_breaks_nothing(
    rig: Rig, current: Any, total: Any
) -> None:
    """The job goes on to its end."""

    async def act(context: Context) -> Outcome:
        await context.progress(current, total)
        return Done()

    job = await run(rig, act)
    assert (job.state, job.step) == (JobState.COMPLETED, None)


async def test_progress_in_half_a_character_is_stored_as_far_as_it_can_be(rig: Rig) -> None:
    """Nothing is lost of the rest."""

    async def act(context: Context) -> Outcome:
        await context.progress(1, 2, "half a \ud800")
        return Done()

    assert (await run(rig, act)).step == Step(1, 2, "half a ?")


class Refusing:
    """A real store that refuses reports and steps so many times first."""

    def __init__(self, store: JobStore, times: int) -> None:
        self._store, self.left = store, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def exchange(self, reports: Sequence[Report], *rest: Any, **more: Any) -> Exchange:
        if reports:
            self._refuse()
        return await self._store.exchange(reports, *rest, **more)

    async def step(self, *args: Any) -> None:
        self._refuse()
        await self._store.step(*args)

    def _refuse(self) -> None:
        if self.left:
            self.left -= 1
            raise StorageBusy("another process is writing to the database")


async def test_an_end_is_reported_until_the_database_takes_it(rig: Rig) -> None:
    """The work was done and paid for: it is not done again because of a lock."""
    refusing: Any = Refusing(rig.store, times=2)
    runs: list[str] = []

    async def act(context: Context) -> Outcome:
        runs.append(context.attempt.id)
        await context.progress(1, 1, "written")
        return Done({"words": 3})

    rig.acts["act"] = act
    [job_id] = await rig.submit("b", a_toy("act"))
    async with rig.working(store=refusing):
        job = await left(rig, job_id)
    assert (job.state, job.result, refusing.left) == (JobState.COMPLETED, {"words": 3}, 0)
    assert len(runs) == 1


async def test_a_step_that_the_database_refused_is_written_later(rig: Rig) -> None:
    """While the job goes on, though its handler says nothing more."""
    refusing: Any = Refusing(rig.store, times=1)
    go = anyio.Event()

    async def act(context: Context) -> Outcome:
        await context.progress(1, 2, "half")
        await go.wait()
        return Done()

    rig.acts["act"] = act
    [job_id] = await rig.submit("b", a_toy("act"))
    async with rig.working(store=refusing):
        job = await until(lambda: rig.job(job_id), lambda job: job.step is not None)
        go.set()
        await rig.batches.wait("b", owner="ada")
    assert (job.state, job.step, refusing.left) == (JobState.PROCESSING, Step(1, 2, "half"), 0)


async def test_a_failure_is_recorded_by_a_worker_that_is_on_its_way_out(rig: Rig) -> None:
    """Refused at first, and then the worker was to end: the job fails, and the worker is gone."""
    refusing: Any = Refusing(rig.store, times=1)

    async def act(context: Context) -> Outcome:
        return Fail("no", "it cannot")

    rig.acts["act"] = act
    [job_id] = await rig.submit("b", a_toy("act"))
    async with rig.working(store=refusing):
        await until(lambda: not refusing.left)
    job = await rig.job(job_id)
    assert (job.state, job.code) == (JobState.FAILED, "no")
    assert await rig.store.hosts(seen_after=0) == []


async def rescue(rig: Rig) -> None:
    """Take every running job away from whoever has it."""
    await rig.store.rescue(now=rig.clock.now(), except_worker="me", crashes_max=10, limit=9)
