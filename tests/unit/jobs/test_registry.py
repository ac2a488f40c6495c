"""Kinds and their handlers: what cannot be run is refused before it is stored."""

from __future__ import annotations

import inspect

import pytest
from pydantic import BaseModel

from mcp_server.errors import CallerError, InvalidPayload, LimitExceeded, UnknownKind
from mcp_server.jobs.handler import Handler, handler
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.registry import Registry, discover
from tests.unit.jobs.rig import Context, Toy, a_toy, toy


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
    """A second of the same name is a mistake of ours."""
    assert registry.kinds == {"toy"}
    assert registry.get("toy") is toy
    with pytest.raises(AssertionError):
        registry.register(toy)


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
