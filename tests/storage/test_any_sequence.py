"""Any sequence of calls leaves the queue as the model says, and every batch comes to its end.

`pytest tests/storage/test_any_sequence.py --hypothesis-profile=long` tries many more sequences.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar
from unittest import TestCase

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mcp_server.errors import InvalidPayload, LostClaim
from mcp_server.jobs.job import Attempt, BatchState, NewJob, Step
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.records import Claim, Report, Request, Submission
from mcp_server.jobs.retry import Verdict, decide
from tests.storage.agreement import Agreement
from tests.storage.model import Answer, Model
from tests.storage.stores import BY_STEPS, DAY_S, ENGINES, Bench, Engine
from tests.storage.strategies import (
    ANY_ATTEMPT,
    EFFECTS,
    JOBS,
    OUTCOMES,
    REQUESTS,
    attempts,
    claims,
    jobs,
    some,
    which,
)

T = TypeVar("T")

SLOWER = 0.2
"""The share of sequences that are tried on PostgreSQL, where each takes five times as long."""


def has_attempts(machine: QueueMachine) -> bool:
    """Whether anything was ever claimed."""
    return bool(machine.attempts)


def has_ended(machine: QueueMachine) -> bool:
    """Whether any job has ended."""
    return any(not job.unfinished for job in machine.model.jobs)


def has_batches(machine: QueueMachine) -> bool:
    """Whether any batch was ever stored."""
    return bool(machine.model.batches)


class QueueMachine(RuleBasedStateMachine):
    """Takes each step in a store and in the model, and compares what there is afterwards."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.attempts: list[Attempt] = []
        self.handed_in = self.claims = 0
        self.agrees = True
        """Whether the last step came to its end: the store was as the model."""

    @initialize(jobs=jobs)
    def open(self, jobs: list[NewJob]) -> None:
        self.stack = AsyncExitStack()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "x.db"
        stores = self.run(self.stack.enter_async_context(self.engine(path)))
        self.bench = Bench(stores, self.engine, path)
        self.store = stores.jobs
        self.model.now = self.bench.now
        self.agreement = Agreement(self.bench.raw)
        self.submit(jobs, None, None, None)

    # Handing in

    @rule(
        jobs=jobs,
        submit_key=st.sampled_from([None, "s"]),
        request=st.sampled_from(REQUESTS),
        cancels=st.none() | st.none() | st.tuples(which, st.booleans()),
    )
    def submit(
        self,
        jobs: list[NewJob],
        submit_key: str | None,
        request: Request | None,
        cancels: tuple[int, bool] | None,
    ) -> None:
        id = self.new_id("b")
        seen: tuple[str, bool] | None = None
        more: dict[str, Any] = {"submit_key": submit_key, "request": request}
        if cancels is not None and self.model.batches:
            seen = self.batch(cancels[0]), cancels[1]
            change = self.run(self.bench.batch(seen[0])).change
            more["cancels"] = (seen[0], change if seen[1] else change - 1)
        numbered = [(f"{id}.{n}", job) for n, job in enumerate(jobs, start=1)]
        try:
            expected = self.model.submit(
                id, numbered, submit_key=submit_key, request=request, cancels=seen
            )
        except InvalidPayload:
            assert self.refused(self.bench.submit(id, *jobs, **more), InvalidPayload)
        else:
            assert answer_of(self.run(self.bench.submit(id, *jobs, **more))) == expected
        self.compare()

    @rule(job=st.sampled_from(JOBS))
    def enqueue(self, job: NewJob) -> None:
        id = self.new_id("alone")
        expected_id, new = self.model.enqueue(id, job)
        found_id, found_new = self.run(self.bench.enqueue(id, job))
        assert found_new == new
        assert expected_id in (None, found_id)
        self.compare()

    # The life of an attempt

    @rule(claim=claims)
    def claim(self, claim: tuple[int, Sequence[str], str]) -> None:
        self.exchange([], claim)

    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=4))
    def work(self, outcomes: list[Outcome]) -> None:
        """Claim jobs, and take them to these ends one after the other."""
        before = len(self.attempts)
        self.exchange([], (len(outcomes), ("key:x",), "v"))
        for attempt, outcome in zip(self.attempts[before:], outcomes, strict=False):
            self.report_and_claim([self.report(attempt, outcome)], (0, (), "v"))

    @precondition(has_attempts)
    @rule(which=attempts, outcome=st.sampled_from(OUTCOMES))
    def finish(self, which: int, outcome: Outcome) -> None:
        self.exchange([(which, outcome)], (0, (), "v"))

    @precondition(has_attempts)
    @rule(
        reports=st.lists(st.tuples(attempts, st.sampled_from(OUTCOMES)), min_size=1, max_size=4),
        claim=claims,
    )
    def exchange(
        self, reports: list[tuple[int, Outcome]], claim: tuple[int, Sequence[str], str]
    ) -> None:
        """Attempts may have lost their claim, have reported before, or report twice at once."""
        self.report_and_claim([self.report(self.attempt(n), o) for n, o in reports], claim)

    def report_and_claim(
        self, made: Sequence[Report], claim: tuple[int, Sequence[str], str]
    ) -> None:
        self.let_follow_what_is_to_run()
        expected = self.model.finish([(report.attempt.id, report.verdict) for report in made])
        limit, abilities, worker = claim
        claimed = self.model.claim(limit, abilities=abilities, worker=worker, lease_s=30.0)
        self.claims += 1
        asked = Claim(
            id=f"c{self.claims}",
            worker_id=worker,
            limit=limit,
            kinds=["work"],
            abilities=abilities,
            lease_s=30.0,
        )
        exchange = self.run(self.store.exchange(made, asked, now=self.bench.now))
        assert list(map(said, exchange.recorded)) == list(map(said, expected))
        assert len(exchange.attempts) == len(claimed)
        for attempt, job in zip(exchange.attempts, claimed, strict=True):
            assert job.id in (None, attempt.job.id)
            self.model.note_attempt(job, attempt.id)
        self.attempts += exchange.attempts
        self.compare()

    @precondition(has_attempts)
    @rule(which=attempts, effects=st.lists(st.sampled_from(EFFECTS), max_size=2))
    def checkpoint(self, which: int, effects: list[object]) -> None:
        attempt = self.attempt(which)
        made = self.store.checkpoint(attempt, effects, now=self.bench.now)
        try:
            applied = self.model.checkpoint(attempt.id, effects)
        except LostClaim:
            assert self.refused(made, LostClaim)
        else:
            assert (self.run(made) is None) == applied
        self.compare()

    @precondition(has_attempts)
    @rule(which=some)
    def step(self, which: list[int]) -> None:
        self.run(self.store.step([(a, Step(1, 2)) for a in self.some_attempts(which)]))
        self.compare()

    @precondition(has_attempts)
    @rule(which=some)
    def renew(self, which: list[int]) -> None:
        ids = [attempt.id for attempt in self.some_attempts(which)]
        found = self.run(self.store.renew(ids, lease_s=30.0, now=self.bench.now))
        assert found == self.model.renew(ids, lease_s=30.0)
        assert self.run(self.store.lost(ids)) == found
        self.compare()

    @precondition(has_attempts)
    @rule(which=some)
    def give_back(self, which: list[int]) -> None:
        ids = [attempt.id for attempt in self.some_attempts(which)]
        self.run(self.store.give_back(ids, now=self.bench.now))
        self.model.give_back(ids)
        self.compare()

    @precondition(has_attempts)
    @rule(except_worker=st.sampled_from([None, "w"]))
    def rescue(self, except_worker: str | None) -> None:
        found = self.run(self.bench.rescue(except_worker=except_worker, crashes_max=1))
        assert found == self.model.rescue(except_worker=except_worker, crashes_max=1)
        self.compare()

    @precondition(lambda self: any(job.unfinished for job in self.model.jobs))
    @rule(seconds=st.sampled_from([1.0, 31.0, 31.0, 2 * DAY_S]))
    def advance(self, seconds: float) -> None:
        self.let_follow_what_is_to_run()
        self.bench.clock.advance(seconds)
        self.model.now = self.bench.now
        assert self.run(self.store.release_due(now=self.bench.now, limit=999)) == (
            self.model.release_due()
        )
        self.compare()

    # Stopping, taking up again, forgetting

    @precondition(has_batches)
    @rule(which=which)
    def pause(self, which: int) -> None:
        batch = self.batch(which)
        self.run(self.store.pause(batch, "no key"))
        self.model.pause(batch)
        self.compare()

    @precondition(has_batches)
    @rule(which=which)
    def cancel_batch(self, which: int) -> None:
        batch = self.batch(which)
        self.run(self.bench.cancel(batch))
        self.model.cancel_batch(batch)
        self.compare()

    @precondition(lambda self: any(job.unfinished for job in self.model.jobs))
    @rule(which=which)
    def cancel_job(self, which: int) -> None:
        known = [job.id for job in self.model.jobs if job.id is not None and job.unfinished]
        if known:
            id = known[-1 - which % len(known)]
            self.run(self.store.cancel_job(id, reason="enough", now=self.bench.now))
            self.model.cancel_job(id)
            self.compare()

    @precondition(has_batches)
    @rule(which=which)
    def retry(self, which: int) -> None:
        batch = self.batch(which)
        assert answer_of(self.run(self.bench.retry(batch))) == self.model.retry(batch)
        self.compare()

    @precondition(has_ended)
    @rule(completed_s=st.sampled_from([0.5, DAY_S]), ended_s=st.sampled_from([0.5, 3 * DAY_S]))
    def prune(self, completed_s: float, ended_s: float) -> None:
        ages = {
            "completed_before": self.bench.now - completed_s,
            "ended_before": self.bench.now - ended_s,
        }
        self.run(self.bench.follow())  # of a batch of which jobs have not followed, none goes
        pruned = 0
        while found := self.run(self.store.prune(**ages, limit=3)):
            pruned += found
        assert pruned == self.model.prune(**ages)
        self.compare()

    @precondition(lambda self: any(batch.stopping for batch in self.model.batches.values()))
    @rule()
    def follow(self) -> None:
        """Jobs that have followed are what they were taken for already."""
        self.run(self.store.follow(now=self.bench.now))
        self.compare()

    # What must be true

    def compare(self) -> None:
        """Fail where the store is not what the model is, or contradicts itself."""
        self.agreement.check(self.model)
        self.bench.raw.check()
        self.agrees = True

    def teardown(self) -> None:
        """Whatever happened, every batch ends once somebody works on it."""
        if self.model.batches and self.agrees:
            self.end_all()
        self.run(self.stack.aclose())
        self.bench.raw.end()
        self.runner.close()
        self.folder.cleanup()

    def end_all(self) -> None:
        for _ in range(50):
            self.advance(1000.0)
            self.rescue(None)
            for batch in self.model.batches.values():
                if batch.state is BatchState.PAUSED:
                    self.retry(list(reversed(self.model.batches)).index(batch.id))
            if not any(job.unfinished for job in self.model.jobs):
                break
            self.work([Done()] * 50)
        assert not any(batch.unfinished for batch in self.model.batches.values())

    def let_follow_what_is_to_run(self) -> None:
        """A job that goes on late is claimed late, and by no other rule than that."""
        if self.agreement.is_late_to_run():
            self.run(self.bench.follow())

    # Shorthand

    def run(self, made: Coroutine[Any, Any, T]) -> T:
        self.agrees = False
        return self.runner.run(made)

    def refused(self, made: Coroutine[Any, Any, object], kind: type[Exception]) -> bool:
        try:
            self.run(made)
        except kind:
            return True
        return False

    def new_id(self, kind: str) -> str:
        self.handed_in += 1
        return f"{kind}{self.handed_in}"

    def batch(self, which: int) -> str:
        """Return the id of a batch, counted from the newest."""
        return list(self.model.batches)[-1 - which % len(self.model.batches)]

    def attempt(self, which: int) -> Attempt:
        """Return an attempt, counted from the newest; from 5 on, whatever has become of it."""
        gone = self.model.lost(attempt.id for attempt in self.attempts)
        held = [attempt for attempt in self.attempts if attempt.id not in gone]
        found = held if held and which < ANY_ATTEMPT else self.attempts
        return found[-1 - which % len(found)]

    def some_attempts(self, which: Sequence[int]) -> list[Attempt]:
        return [self.attempt(one) for one in which if self.attempts]

    def report(self, attempt: Attempt, outcome: Outcome) -> Report:
        verdict = decide(attempt.job, outcome, now=self.bench.now, jitter=1.0)
        return Report(attempt, verdict, Step(1, 2))


def answer_of(made: Submission) -> Answer:
    """Return what the store answered as the model would."""
    batch = None if made.batch is None else made.batch.id
    held = {key: holder and holder.id for key, holder in made.held.items()}
    return Answer(batch, made.duplicate, held, made.stale)


def said(recorded: Verdict | Exception) -> object:
    """Return what a report was answered."""
    if isinstance(recorded, Verdict):
        return recorded.state, recorded.code
    assert isinstance(recorded, LostClaim), recorded
    return LostClaim


def machine(name: str, made: Engine, *, share: float = 1) -> type[TestCase]:
    """Make the tests of one engine, with this share of the sequences that are asked for."""
    of_engine = type(f"Queue_{name}", (QueueMachine,), {"engine": staticmethod(made)})
    case = of_engine.TestCase
    case.settings = settings(
        max_examples=max(1, round(settings().max_examples * share)),
        stateful_step_count=50,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    return case


TestSqlite = machine("sqlite", ENGINES["sqlite"])
TestSqliteBySteps = machine("sqlite_by_steps", BY_STEPS["sqlite"])
TestPostgres = machine("postgres", ENGINES["postgres"], share=SLOWER)
TestPostgresBySteps = machine("postgres_by_steps", BY_STEPS["postgres"], share=SLOWER)
