"""The kinds of job that this process can queue and run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from mcp_server.errors import ConfigError, InvalidPayload, LimitExceeded, UnknownKind
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import Dedup, NewJob, Origin
from mcp_server.jobs.json_text import encoded
from mcp_server.jobs.outcome import DELAY_S_MAX

PAYLOAD_BYTES_MAX = 64 * 1024
"""The largest payload unless a setting says otherwise: more than this is content, not a job."""

TEXT_MAX = 10_000
"""The longest subject, in characters."""
NAME_BYTES_MAX = 1_000
"""The longest kind or ability: an index of PostgreSQL holds both."""
KEY_BYTES_MAX = 2_000
"""The longest key: no index of PostgreSQL takes much more."""

_TEXT = f"a text of at most {TEXT_MAX:,} characters, all of them whole and none NUL"
_BYTES = "a text of at most {:,} bytes, all of its characters whole and none NUL"

PRIORITY_MAX = 10**15 - 1
"""The largest priority, and with a minus the smallest: JSON readers with floats keep it exact."""

RETRIES_MAX = 1_000_000
"""At the longest delay of our own, a minute, this is two years of trying."""


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
    def payload_bytes_max(self) -> int:
        """The largest payload, and the largest result in bytes."""
        return self._payload_bytes_max

    @property
    def limits(self) -> Mapping[str, int]:
        """By kind, how many of its jobs may run at once; kinds that are missing have no limit."""
        limits = {kind: self._limits.get(kind, h.limit) for kind, h in self._handlers.items()}
        return {kind: limit for kind, limit in limits.items() if limit is not None}

    def bounded(
        self, payload_bytes_max: int, *, limits: Mapping[str, int] | None = None
    ) -> Registry:
        """Return a registry with its own bounds that shares this one's kinds, later ones included.

        `limits` take precedence over those of the handlers; they may name kinds that nobody has.
        """
        bounded = Registry(payload_bytes_max=payload_bytes_max, limits=limits)
        bounded._handlers = self._handlers  # the same dict: what one registers, both have
        return bounded

    def without(self, kinds: Collection[str]) -> Registry:
        """Return a registry less some kinds, for a worker that does not run their jobs."""
        fewer = Registry(payload_bytes_max=self._payload_bytes_max, limits=self._limits)
        fewer._handlers = {k: each for k, each in self._handlers.items() if k not in kinds}
        return fewer

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
        """Replace all handlers by these."""
        self._handlers.clear()  # in place, as registries with other bounds share the dict
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
        """Check that a job can be stored and run, before it is stored.

        Raises:
            UnknownKind: no handler runs its kind.
            InvalidPayload: the payload does not fit its handler, or another field of the job cannot
                be stored; names the field and what is allowed.
            LimitExceeded: the payload is too large.
        """
        if problems := _misfits(job):
            raise InvalidPayload(f"job of kind {job.kind!a}", problems)
        self.payload(job.kind, job.payload)
        try:
            size = len(encoded(job.payload).encode())
        except ValueError as error:
            problem = f"it cannot be written: {error}"
            raise InvalidPayload(f"payload of {job.kind}", [problem]) from error
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
        if isinstance(payload, str):  # as the store returns one that cannot be read
            raise InvalidPayload(f"payload of {kind}", ["what is stored of it is damaged"])
        try:
            # What `model_validate` calls in the end. Called directly, as this runs for every job.
            return self.get(kind).payload.__pydantic_validator__.validate_python(payload)
        except ValidationError as error:
            raise InvalidPayload(f"payload of {kind}", _problems(error)) from error

    def wants_failures(self, kind: str) -> bool:
        """Whether a kind has an `on_error` hook."""
        handler = self._handlers.get(kind)
        return handler is not None and handler.on_error is not None


def discover(package: str) -> Sequence[Handler[Any]]:
    """Return every handler that the modules of `package` define, in the order of their names."""
    folder = importlib.import_module(package)
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    return [
        value
        for name in names
        for value in _handlers(vars(importlib.import_module(f"{package}.{name}")).values())
    ]


def check_origin(origin: Origin) -> None:
    """Check that who asks can be stored.

    Raises:
        InvalidPayload: something in it cannot; names the field and what is allowed.
    """
    values: dict[str, object] = origin._asdict()
    if values["destination"] is None:
        del values["destination"]
    unfit = [f"{name} must be {_TEXT}" for name, value in values.items() if not _is_text(value)]
    if unfit:
        raise InvalidPayload("origin", unfit)


def _misfits(job: NewJob) -> list[str]:
    """Return a sentence for each field that cannot be stored as it is."""
    # As plain objects: a plugin that is not type-checked may have put anything there.
    values = cast("tuple[object, ...]", job)
    kind, _, subject, priority, delay_s, max_retries, dedup, dedup_key, requires, _ = values
    problems: list[str] = []
    if not _is_short(kind, NAME_BYTES_MAX):
        problems.append(f"kind must be {_BYTES.format(NAME_BYTES_MAX)}")
    if not _is_text(subject):
        problems.append(f"subject must be {_TEXT}")
    if not (isinstance(priority, int) and -PRIORITY_MAX <= priority <= PRIORITY_MAX):
        problems.append("priority must be a whole number of at most 15 digits")
    # NaN fails both comparisons, so it is refused as well.
    if not (isinstance(delay_s, int | float) and 0 <= delay_s <= DELAY_S_MAX):
        span = f"from 0 to {DELAY_S_MAX:,.0f} (a hundred years)"
        problems.append(f"delay_s must be a number of seconds {span}")
    if not (isinstance(max_retries, int) and 0 <= max_retries <= RETRIES_MAX):
        problems.append(f"max_retries must be a whole number from 0 to {RETRIES_MAX:,}")
    if not isinstance(dedup, Dedup):
        problems.append(f"dedup must be one of {', '.join(f'Dedup.{d.name}' for d in Dedup)}")
    elif dedup is not Dedup.NONE and not dedup_key:
        problems.append("dedup_key must be given with dedup, which compares keys")
    if dedup_key is not None and not _is_short(dedup_key, KEY_BYTES_MAX):
        problems.append(f"dedup_key must be {_BYTES.format(KEY_BYTES_MAX)}")
    if requires is not None and not _is_short(requires, NAME_BYTES_MAX):
        problems.append(f"requires must be {_BYTES.format(NAME_BYTES_MAX)}")
    return problems


def _is_text(value: object) -> bool:
    """Whether it is a text that can be stored, in every database.

    A lone surrogate cannot: it has no UTF-8 form. PostgreSQL keeps no NUL.
    """
    if not isinstance(value, str) or len(value) > TEXT_MAX or "\0" in value:
        return False
    if value.isascii():  # nearly always, and much faster than encoding it
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_short(value: object, bytes_max: int) -> bool:
    """Whether it is such a text, and no longer than an index takes."""
    return _is_text(value) and len(cast("str", value).encode()) <= bytes_max


def _handlers(values: Iterable[object]) -> Iterable[Handler[Any]]:
    return [cast("Handler[Any]", value) for value in values if isinstance(value, Handler)]


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in problem['loc']) or 'payload'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
