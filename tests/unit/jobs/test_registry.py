"""Kinds and their handlers: what cannot be run is refused before it is stored."""

from __future__ import annotations

import inspect
import math
from datetime import date
from typing import Any, cast

import pytest
from pydantic import BaseModel, Field

from mcp_server.errors import (
    CallerError,
    ConfigError,
    InvalidPayload,
    LimitExceeded,
    UnknownKind,
)
from mcp_server.jobs.handler import Handler, handler
from mcp_server.jobs.job import Dedup, NewJob, Priority
from mcp_server.jobs.outcome import DELAY_S_MAX, Done, Outcome
from mcp_server.jobs.registry import (
    KEY_BYTES_MAX,
    NAME_BYTES_MAX,
    PRIORITY_MAX,
    RETRIES_MAX,
    TEXT_MAX,
    Registry,
    discover,
)
from tests.unit.jobs.rig import Context, Toy, a_toy, toy

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


class Loose(BaseModel):
    """A payload that may hold anything."""

    value: Any = None


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        [-float("inf")],
        object(),
        "half a \ud800",
        {"digits": 10**5000},
    ],
    ids=["nan", "infinity", "object", "surrogate", "digits"],
)
def test_a_payload_that_nobody_could_read_again_is_refused(value: object) -> None:
    """What is stored is JSON."""
    registry = Registry([Handler("loose", Loose, cast("Any", toy.run))])
    with pytest.raises(InvalidPayload, match="payload of loose: it cannot be written"):
        registry.check(NewJob("loose", {"value": value}))


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "3" * 5000, 1e308, 10**300, None])
def test_a_payload_may_hold_what_only_looks_like_no_json(value: object) -> None:
    """A text may say NaN, and may be all digits."""
    registry = Registry([Handler("loose", Loose, cast("Any", toy.run))])
    registry.check(NewJob("loose", {"value": value}))


MISFITS: dict[str, list[object]] = {
    "kind": ["", ["toy"], "to\ud800y"],
    "subject": [None, "half a \ud800", "x" * (TEXT_MAX + 1)],
    "priority": [2**70, -(2**70), PRIORITY_MAX + 1, 1.5, "high", None],
    "delay_s": [math.nan, math.inf, -1e18, 1e18, 10**400, -1, DELAY_S_MAX + 1, "5", None],
    "max_retries": [2**70, -1, RETRIES_MAX + 1, 1.5, None],
    "dedup": ["skip", None, "sometimes"],
    "dedup_key": ["half a \ud800", 5, "x" * (KEY_BYTES_MAX + 1), "\U0001f4dc" * 501],
    "requires": ["key:\ud800", 5, "x" * (NAME_BYTES_MAX + 1), "\U0001f4dc" * 251],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in MISFITS.items() for value in values]
)
def test_a_job_that_cannot_be_stored_as_it_is_is_refused_by_field(
    registry: Registry, field: str, value: object
) -> None:
    """The message says which field, and what is allowed; it can be shown anywhere."""
    made: dict[str, Any] = {"kind": "toy", "payload": {}, field: value}
    with pytest.raises(CallerError) as caught:
        registry.check(NewJob(**made))
    str(caught.value).encode()
    if not isinstance(caught.value, UnknownKind):
        assert isinstance(caught.value, InvalidPayload)
        assert [problem.split(" ")[0] for problem in caught.value.problems] == [field]
        assert len(str(caught.value)) < 300


def test_all_that_is_wrong_with_a_job_is_said_at_once(registry: Registry) -> None:
    """In sentences."""
    with pytest.raises(InvalidPayload) as caught:
        registry.check(a_toy(delay_s=math.nan, max_retries=-1))
    assert str(caught.value) == (
        "job of kind 'toy': delay_s must be a number of seconds from 0 to 3,155,760,000 "
        "(a hundred years); max_retries must be a whole number from 0 to 1,000,000"
    )


def test_a_job_at_its_bounds_is_taken(registry: Registry) -> None:
    """They belong to what is allowed."""
    for priority in (-PRIORITY_MAX, PRIORITY_MAX):
        registry.check(a_toy(priority=priority, max_retries=RETRIES_MAX, delay_s=DELAY_S_MAX))
    registry.check(a_toy(subject="ä" * TEXT_MAX, delay_s=3, max_retries=0, requires="x" * 1_000))
    registry.check(a_toy(dedup_key="\U0001f4dc" * 500))


@pytest.mark.parametrize("dedup", [Dedup.SKIP, Dedup.COALESCE, Dedup.REPLACE])
@pytest.mark.parametrize("key", [None, ""])
def test_dedup_without_a_key_is_refused(registry: Registry, dedup: Dedup, key: str | None) -> None:
    """There would be nothing to compare. A key without dedup is one to be found by."""
    with pytest.raises(InvalidPayload, match=r"dedup_key must be given with dedup"):
        registry.check(a_toy(dedup=dedup, dedup_key=key))
    registry.check(a_toy(dedup=dedup, dedup_key="k"))
    registry.check(a_toy(dedup=Dedup.NONE, dedup_key="k"))


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
