"""The kinds of job that this process can queue and run."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterable, Sequence
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from mcp_server.errors import InvalidPayload, LimitExceeded, UnknownKind
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import NewJob


class Registry:
    """Handlers by kind. What is enqueued is checked against them before it is stored."""

    def __init__(self, *, payload_bytes_max: int) -> None:
        self._handlers: dict[str, Handler[Any]] = {}
        self._payload_bytes_max = payload_bytes_max

    @property
    def kinds(self) -> frozenset[str]:
        """Names of the kinds that have a handler."""
        return frozenset(self._handlers)

    def register(self, handler: Handler[Any]) -> None:
        """Add a kind; a name that is taken already is a mistake of ours."""
        assert handler.kind not in self._handlers, f"two handlers of kind {handler.kind}"
        self._handlers[handler.kind] = handler

    def get(self, kind: str) -> Handler[Any]:
        """Return the handler of a kind.

        Raises:
            UnknownKind: there is none.
        """
        if kind not in self._handlers:
            raise UnknownKind(kind, sorted(self._handlers))
        return self._handlers[kind]

    def check(self, job: NewJob) -> None:
        """See to it that a job can be run, before it is stored.

        Raises:
            UnknownKind: nothing runs its kind.
            InvalidPayload: the payload is not what its handler takes.
            LimitExceeded: the payload is too large.
        """
        self.payload(job.kind, job.payload)
        size = len(json.dumps(dict(job.payload), ensure_ascii=False).encode())
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
            return self.get(kind).payload.model_validate(payload)
        except ValidationError as error:
            raise InvalidPayload(f"payload of {kind}", _problems(error)) from error


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
