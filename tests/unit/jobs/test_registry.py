"""Kinds and their handlers: what cannot be run is refused before it is stored."""

from __future__ import annotations

import inspect
from datetime import date
from functools import partial
from typing import Any, cast

import anyio
import pytest
from pydantic import BaseModel, Field

from mcp_server.errors import (
    CallerError,
    ConfigError,
    InvalidPayload,
    LimitExceeded,
    UnknownKind,
)
from mcp_server.jobs.handler import Failure, Handler, OnError, handler
from mcp_server.jobs.job import Job, Priority
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.registry import Registry, discover
from tests.unit.jobs.rig import Context, Rig, Toy, a_toy, toy

hasty_toy = Handler("toy", Toy, toy.run, 0.1)
"""Another handler of the same kind."""


@pytest.fixture
def registry() -> Registry:
    """A registry that knows toys of at most 100 bytes."""
    made = Registry(payload_bytes_max=100)
    made.register(toy)
    return made


def test_a_kind_that_nothing_runs_is_refused(registry: Registry) -> None:
    """The message names the kinds there are."""
    with pytest.raises(UnknownKind) as caught:
        registry.check(a_toy(kind="toi"))
    assert "'toi'" in str(caught.value) and "toy" in str(caught.value)
    assert isinstance(caught.value, CallerError)


@pytest.mark.parametrize(
    ("payload", "where"),
    [({"act": 1}, "act"), ({"acts": "done"}, "acts"), ({"act": "done", "more": 1}, "more")],
)
def test_a_payload_that_does_not_fit_is_refused_field_by_field(
    registry: Registry, payload: dict[str, object], where: str
) -> None:
    """Without repeating what was given: it may be secret, or long."""
    with pytest.raises(InvalidPayload) as caught:
        registry.check(a_toy(payload=payload))
    assert any(problem.startswith(f"{where}: ") for problem in caught.value.problems)


def test_a_payload_that_is_too_large_is_refused_by_its_bytes(registry: Registry) -> None:
    """Not by its characters; the message says how large it may be."""
    registry.check(a_toy("a" * 80))
    with pytest.raises(LimitExceeded) as caught:
        registry.check(a_toy("ä" * 80))
    assert (caught.value.maximum, caught.value.actual > 100) == (100, True)
    assert "100 are allowed" in str(caught.value)


def test_a_payload_comes_back_as_its_handlers_model(registry: Registry) -> None:
    """With its defaults."""
    assert registry.payload("toy", {}) == Toy(act="done")


def test_a_kind_has_one_handler(registry: Registry) -> None:
    """A second of the same name is refused, and the first stays."""
    assert registry.kinds == {"toy"}
    assert registry.get("toy") is toy
    with pytest.raises(ConfigError, match="'toy' already"):
        registry.register(hasty_toy)
    assert registry.get("toy") is toy


def test_a_kind_that_is_taken_away_is_unknown_until_another_takes_its_place(
    registry: Registry,
) -> None:
    """Whoever shares the kinds under another bound sees the same."""
    shared = registry.bounded(1000)
    assert registry.unregister("toy") is toy
    assert registry.kinds == shared.kinds == frozenset()
    with pytest.raises(UnknownKind):
        registry.unregister("toy")
    with pytest.raises(UnknownKind):
        shared.check(a_toy())
    registry.register(hasty_toy)
    assert shared.get("toy") is hasty_toy
    registry.replace([toy])
    assert shared.handlers == (toy,)


def test_a_shared_registry_has_a_bound_of_its_own(registry: Registry) -> None:
    """The setting is known only once a workspace is open, and the kinds are known before."""
    registry.bounded(1000).check(a_toy("a" * 200))
    with pytest.raises(LimitExceeded):
        registry.check(a_toy("a" * 200))


def test_a_handler_makes_jobs_of_its_payload() -> None:
    """Under the names that the model reads, so that it can be read again."""

    class Payload(BaseModel):
        due_on: date = Field(alias="dueOn")

    dated = Handler("dated", Payload, cast("Any", toy.run))
    job = dated.job(Payload(dueOn=date(2026, 1, 2)), subject="two", priority=Priority.HIGH)
    assert (job.kind, job.payload) == ("dated", {"dueOn": "2026-01-02"})
    assert (job.subject, job.priority, job.delay_s) == ("two", 10, 0)
    registry = Registry([dated])
    registry.check(job)
    assert registry.payload("dated", job.payload) == Payload(dueOn=date(2026, 1, 2))


def test_what_is_no_model_or_no_json_is_refused() -> None:
    """An untyped caller hears of it, too."""

    class Payload(BaseModel):
        thing: Any

    odd = Handler("odd", Payload, cast("Any", toy.run))
    with pytest.raises(InvalidPayload, match="pydantic model, not dict"):
        cast("Any", odd.job)({"thing": 1})
    with pytest.raises(InvalidPayload, match="cannot be written"):
        odd.job(Payload(thing=object()))


# The on_error hook


async def told(*failures: Failure, hook: OnError[Toy], payload: type[BaseModel] = Toy) -> None:
    """Let a registry tell `hook` of failures."""
    registry = Registry([Handler("toy", cast("type[Toy]", payload), toy.run, None, hook)])
    for failure in failures:
        await registry.failed(failure)


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


@pytest.mark.anyio
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


@pytest.mark.anyio
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


@pytest.mark.anyio
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


def test_the_decorator_makes_a_handler_and_registers_nothing() -> None:
    """Importing a module changes nothing."""

    class Payload(BaseModel):
        n: int

    @handler("count", Payload, timeout_s=3.0)
    async def count(payload: Payload, context: Context) -> Outcome:
        """Count."""
        return Done({"n": payload.n})

    assert isinstance(count, Handler)
    assert (count.kind, count.payload, count.timeout_s) == ("count", Payload, 3.0)
    assert inspect.iscoroutinefunction(count.run)
    assert toy.timeout_s is None


def test_the_modules_of_a_package_are_searched_for_handlers() -> None:
    """Every kind once, in the order of the modules' names."""
    kinds = [found.kind for found in discover("handlers")]
    assert len(kinds) == len(set(kinds))
    assert "content-generate" in kinds
    assert kinds == sorted(kinds)


def test_a_limit_is_that_of_the_settings_or_else_of_the_handler() -> None:
    """A kind without either is not limited; one that comes later may be."""
    registry = Registry([Handler("one", Toy, toy.run, limit=3), Handler("two", Toy, toy.run)])
    bounded = registry.bounded(1000, limits={"one": 1, "later": 2})
    assert (registry.limits, bounded.limits) == ({"one": 3}, {"one": 1})
    registry.register(Handler("later", Toy, toy.run))
    assert bounded.limits == {"one": 1, "later": 2}


@pytest.mark.parametrize("limit", [0, -1])
def test_a_kind_of_which_none_may_run_is_a_mistake(limit: int) -> None:
    """Its jobs would wait for ever."""
    with pytest.raises(ConfigError, match="at least one"):
        handler("none", Toy, limit=limit)
