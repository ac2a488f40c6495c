"""What does a kind of job: a payload model and an async function that answers with an outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from mcp_server.jobs.outcome import Outcome

P = TypeVar("P", bound=BaseModel)

TIME_LIMIT_S = 300.0
"""How long one attempt may take unless its kind says otherwise (seed 004: five minutes)."""


@dataclass(frozen=True, slots=True)
class Handler(Generic[P]):
    """A job kind: its name, the model of its payload, and what runs it.

    The function may be run more than once for the same job (after a crash, say), so it must be
    safe to run twice; its effects are applied once.
    """

    kind: str
    payload: type[P]
    run: Callable[[P, Any], Awaitable[Outcome]]
    timeout_s: float | None
    """`None`: the worker's setting."""


def handler(
    kind: str, payload: type[P], *, timeout_s: float | None = None
) -> Callable[[Callable[[P, Any], Awaitable[Outcome]]], Handler[P]]:
    """Make a handler of an async function `(payload, context) -> Outcome`. Registers nothing."""

    def decorate(run: Callable[[P, Any], Awaitable[Outcome]]) -> Handler[P]:
        return Handler(kind, payload, run, timeout_s)

    return decorate
