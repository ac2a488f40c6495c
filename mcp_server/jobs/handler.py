"""Handlers: what runs a kind of job. A payload model, and a function that returns an outcome.

A handler that only waits is async and runs in the worker's event loop. One that computes, or makes
blocking calls, is a plain function that runs elsewhere: with `isolation="thread"`, or `"process"`
if the work is heavy, or may crash its process.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from mcp_server.errors import ConfigError, InvalidPayload
from mcp_server.jobs.job import Dedup, Job, NewJob, Priority

P = TypeVar("P", bound=BaseModel)

Isolation = Literal["loop", "thread", "process"]
"""Where a handler runs: in the worker's event loop, a thread, or a process of its own."""

TIME_LIMIT_S = 300.0
"""How long one attempt may take unless its kind says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong with an attempt; passed to the `on_error` hook of its kind."""

    job: Job
    """As it was claimed."""
    code: str | None
    """The reason in a word, such as `conflict`; `None` if the job will be tried again."""
    reason: str
    final: bool
    """Whether the job has failed; otherwise it will be tried again."""
    exception: BaseException | None = None
    """What the handler raised; `None` if it answered with an outcome, or took too long. If it ran
    in a process of its own: a `HandlerCrashed`, with the error's name and traceback."""


OnError = Callable[[Failure, P], Awaitable[None]]
"""Called with a failed attempt and its payload, after the end of the attempt was stored."""


@dataclass(frozen=True, slots=True)
class Handler(Generic[P]):
    """A job kind: its name, the model of its payload, and what runs it.

    The function may be run more than once for the same job (after a crash, say), so it must be
    safe to run twice; its effects are applied once.
    """

    kind: str
    payload: type[P]
    run: Callable[[P, Any], Any]
    """Returns an outcome; with isolation `loop` an awaitable of one."""
    timeout_s: float | None = None
    """`None`: the worker's setting."""
    on_error: OnError[P] | None = None
    """Called at most once for each failed attempt; what it raises is only logged."""
    isolation: Isolation = "loop"
    limit: int | None = None
    """How many jobs of this kind may run at once over all workers, unless a setting says otherwise;
    `None`: any number. A cancelled job no longer counts, even if its handler goes on."""

    def job(
        self,
        payload: P,
        *,
        subject: str = "",
        priority: int = Priority.NORMAL,
        max_retries: int = 3,
        delay_s: float = 0.0,
        dedup: Dedup = Dedup.NONE,
        dedup_key: str | None = None,
    ) -> NewJob:
        """Return a job of this kind, to be queued.

        Raises:
            InvalidPayload: the payload is no model, or cannot be written as JSON.
        """
        return NewJob(
            kind=self.kind,
            payload=stored_payload(self.kind, payload),
            subject=subject,
            priority=priority,
            max_retries=max_retries,
            delay_s=delay_s,
            dedup=dedup,
            dedup_key=dedup_key,
        )


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

    What the context of an async one is the worker's maker decides; `plugin.handler` is this with
    its type.

    Raises:
        ConfigError: the function cannot be run in that isolation, or none is allowed to run.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"The limit of {kind!r} is {limit}: at least one has to run at a time.")

    def decorate(run: Callable[[P, Any], Any]) -> Handler[P]:
        if isolation != "loop":
            _check_plain(kind, run, isolation)
        return Handler(kind, payload, run, timeout_s, on_error, isolation, limit)

    return decorate


def _check_plain(kind: str, run: Callable[..., Any], isolation: Isolation) -> None:
    if inspect.iscoroutinefunction(run):
        raise ConfigError(
            f"The handler of {kind!r} is async: one that runs in a {isolation} is a plain function."
        )
    if isolation == "process" and ("<locals>" in run.__qualname__ or run.__module__ == "__main__"):
        raise ConfigError(
            f"The handler of {kind!r} runs in a process, which has to import it: define it at the "
            "top of a module, not within a function or a script."
        )


def stored_payload(kind: str, payload: object) -> dict[str, Any]:
    """Return a payload as it is stored: JSON, under the names that its model reads.

    Raises:
        InvalidPayload: it is no model, or cannot be written as JSON.
    """
    if not isinstance(payload, BaseModel):
        problem = f"it must be a pydantic model, not {type(payload).__name__}"
        raise InvalidPayload(f"payload of {kind}", [problem])
    try:
        return payload.model_dump(mode="json", by_alias=True)
    except PydanticSerializationError as error:
        raise InvalidPayload(f"payload of {kind}", [f"it cannot be written: {error}"]) from error
