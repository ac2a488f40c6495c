"""The kinds of job that this process can queue and run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import anyio
import structlog
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from mcp_server.errors import ConfigError, InvalidPayload, LimitExceeded, UnknownKind
from mcp_server.jobs.handler import Failure, Handler
from mcp_server.jobs.job import NewJob

PAYLOAD_BYTES_MAX = 64 * 1024
"""The largest payload unless a setting says otherwise: more than this is content, not a job."""

ON_ERROR_S = 10.0
"""How long an `on_error` hook may take; the lane that it holds is wanted for work."""

logger = structlog.get_logger(__name__)


class Registry:
    """Handlers by kind. What is enqueued is checked against them before it is stored."""

    def __init__(
        self,
        handlers: Iterable[Handler[Any]] = (),
        *,
        payload_bytes_max: int = PAYLOAD_BYTES_MAX,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._handlers: dict[str, Handler[Any]] = {}
        self._payload_bytes_max = payload_bytes_max
        self._limits = limits or {}
        for handler in handlers:
            self.register(handler)

    @property
    def kinds(self) -> frozenset[str]:
        """Names of the kinds that have a handler."""
        return frozenset(self._handlers)

    @property
    def handlers(self) -> Sequence[Handler[Any]]:
        """The handlers, in the order in which they were registered."""
        return tuple(self._handlers.values())

    @property
    def limits(self) -> Mapping[str, int]:
        """Of a kind at most so many run at once; the kinds that are not here are not limited."""
        limits = {kind: self._limits.get(kind, h.limit) for kind, h in self._handlers.items()}
        return {kind: limit for kind, limit in limits.items() if limit is not None}

    def bounded(
        self, payload_bytes_max: int, *, limits: Mapping[str, int] | None = None
    ) -> Registry:
        """Return a registry with bounds of its own and the same kinds, those of later too.

        `limits` go before those of the handlers; they may name kinds that nobody has.
        """
        bounded = Registry(payload_bytes_max=payload_bytes_max, limits=limits)
        bounded._handlers = self._handlers
        return bounded

    def register(self, handler: Handler[Any]) -> None:
        """Add a kind.

        Raises:
            ConfigError: its name is taken.
        """
        if handler.kind in self._handlers:
            raise ConfigError(
                f"There is a handler for jobs of kind {handler.kind!r} already: choose another "
                "name, or unregister that one first."
            )
        self._handlers[handler.kind] = handler

    def unregister(self, kind: str) -> Handler[Any]:
        """Take a kind away and return its handler; jobs of it wait until there is one again.

        Raises:
            UnknownKind: there is none.
        """
        found = self.get(kind)
        del self._handlers[kind]
        return found

    def replace(self, handlers: Iterable[Handler[Any]]) -> None:
        """Let these be all the handlers there are."""
        self._handlers.clear()
        for handler in handlers:
            self.register(handler)

    def get(self, kind: str) -> Handler[Any]:
        """Return the handler of a kind.

        Raises:
            UnknownKind: there is none.
        """
        try:
            return self._handlers[kind]
        except KeyError:
            raise UnknownKind(kind, sorted(self._handlers)) from None

    def check(self, job: NewJob) -> None:
        """See to it that a job can be run, before it is stored.

        Raises:
            UnknownKind: nothing runs its kind.
            InvalidPayload: the payload is not what its handler takes.
            LimitExceeded: the payload is too large.
        """
        self.payload(job.kind, job.payload)
        size = len(to_json(job.payload))
        if size > self._payload_bytes_max:
            raise LimitExceeded(
                f"payload of {job.kind} {job.subject}".rstrip(),
                actual=size,
                maximum=self._payload_bytes_max,
                unit="bytes",
            )

    def payload(self, kind: str, payload: object) -> BaseModel:
        """Return a payload as its handler's model.

        Raises:
            InvalidPayload: it does not fit.
        """
        try:
            # What `model_validate` calls, without the way there: it is made for every job.
            return self.get(kind).payload.__pydantic_validator__.validate_python(payload)
        except ValidationError as error:
            raise InvalidPayload(f"payload of {kind}", _problems(error)) from error

    def wants_failures(self, kind: str) -> bool:
        """Whether a kind has an `on_error` hook."""
        handler = self._handlers.get(kind)
        return handler is not None and handler.on_error is not None

    async def failed(self, failure: Failure) -> None:
        """Tell the kind's `on_error` hook, if it has one, what went wrong with an attempt.

        What the hook raises is logged and swallowed, and it is not waited for beyond `ON_ERROR_S`:
        the job's end is stored already, and a hook changes nothing about it.
        """
        handler = self._handlers.get(failure.job.kind)
        if handler is None or handler.on_error is None:
            return
        log = logger.bind(job_id=failure.job.id, kind=failure.job.kind)
        try:
            payload = handler.payload.model_validate(failure.job.payload)
            with anyio.move_on_after(ON_ERROR_S) as scope:
                await handler.on_error(failure, payload)
            if scope.cancelled_caught:
                log.warning("an on_error hook took too long and was stopped", limit_s=ON_ERROR_S)
        except (Exception, SystemExit):  # a plugin's mistake stays the plugin's
            log.exception("an on_error hook failed")


def discover(package: str) -> Sequence[Handler[Any]]:
    """Return every handler that the modules of `package` define, in the order of their names."""
    folder = importlib.import_module(package)
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    return [
        value
        for name in names
        for value in _handlers(vars(importlib.import_module(f"{package}.{name}")).values())
    ]


def _handlers(values: Iterable[object]) -> Iterable[Handler[Any]]:
    return [cast("Handler[Any]", value) for value in values if isinstance(value, Handler)]


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in problem['loc']) or 'payload'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
