"""`@handler`, with the type of what a handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar, overload

from pydantic import BaseModel

from mcp_server.jobs import handler as jobs
from mcp_server.jobs.handler import Handler, Isolation, OnError
from mcp_server.jobs.isolation.context import IsolatedContext
from mcp_server.jobs.outcome import Outcome
from mcp_server.plugin.job_context import JobContext

P = TypeVar("P", bound=BaseModel)


@overload
def handler(
    kind: str,
    payload: type[P],
    *,
    timeout_s: float | None = None,
    on_error: OnError[P] | None = None,
    isolation: Literal["loop"] = "loop",
    limit: int | None = None,
) -> Callable[[Callable[[P, JobContext], Awaitable[Outcome]]], Handler[P]]: ...


@overload
def handler(
    kind: str,
    payload: type[P],
    *,
    timeout_s: float | None = None,
    on_error: OnError[P] | None = None,
    isolation: Literal["thread", "process"],
    limit: int | None = None,
) -> Callable[[Callable[[P, IsolatedContext], Outcome]], Handler[P]]: ...


def handler(
    kind: str,
    payload: type[P],
    *,
    timeout_s: float | None = None,
    on_error: OnError[P] | None = None,
    isolation: Isolation = "loop",
    limit: int | None = None,
) -> Callable[[Callable[[P, Any], Any]], Handler[P]]:
    """Make a handler of a function `(payload, context) -> Outcome`. Registers nothing.

    The function is async, and its context a `JobContext`; with `isolation` "thread" or "process" it
    is a plain one, and its context an `IsolatedContext`. For a process it is defined at the top of
    a module, under its own name. It may be run more than once for a job, so it must be safe to run
    twice. `timeout_s` is how long one try may take, `limit` how many of the kind run at once, and
    `on_error` is told of every try that failed.

    Raises:
        ConfigError: the function cannot be run in that isolation, or none is allowed to run.
    """
    return jobs.handler(
        kind, payload, timeout_s=timeout_s, on_error=on_error, isolation=isolation, limit=limit
    )
