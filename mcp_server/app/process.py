"""What every Pressroom process sets up once: its log and its memory."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TextIO, cast

from mcp_server.excerpt import is_seen, shortened
from mcp_server.redaction import redacted, secrets_of

if TYPE_CHECKING:
    from structlog.typing import EventDict


class _Stderr(io.TextIOBase):
    """Stderr for log lines. A line that cannot be written is dropped, so that work goes on.

    A worker's log is a file on the same disk as its database, and that disk may be full.
    """

    def write(self, text: str, /) -> int:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


RECORD_LENGTH_MAX = 20_000
"""Characters of one log record of a library, with its traceback."""


class _Redacting(logging.Formatter):
    """Formats what libraries log, with secrets taken out."""

    def __init__(self, secrets: Collection[str], format: str) -> None:
        super().__init__(format)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        text = redacted(super().format(record), self._secrets)
        # The text may quote a client. A line break in it could fake a log line, and a control
        # character could command the terminal that shows the log.
        return "".join(c if is_seen(c) else _escaped(c) for c in shortened(text, RECORD_LENGTH_MAX))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _without_secrets(
    secrets: Collection[str], _logger: object, _method: str, event: EventDict
) -> EventDict:
    return {key: _redacted(value, secrets) for key, value in event.items()}


def _redacted(value: object, secrets: Collection[str]) -> object:
    """Return a value to be logged without the secrets in it, however deep they are."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redacted(value, secrets)
        case _:
            # As the line would be written anyway; it has the secrets of all levels in it.
            return redacted(str(value), secrets)


def settle_memory() -> None:
    """Exempt all objects that exist by now, mostly imported code, from garbage collection.

    Otherwise each full collection walks them and stops the event loop for 40 to 80 ms.
    """
    gc.freeze()
    gc.enable()  # a server puts it off until it has answered


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send log lines of this level to stderr, one line each: stdout belongs to the protocol.

    The secrets of this process's environment, and what looks like one, are taken out.
    """
    log_of_libraries_to_stderr()
    own_log_to_stderr(level)


def log_of_libraries_to_stderr() -> None:
    """Do this for what libraries log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(secrets_of(os.environ), logging.BASIC_FORMAT))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def own_log_to_stderr(level: int = logging.INFO) -> None:
    """Do this for what we log ourselves."""
    import structlog  # noqa: PLC0415 - a server answers before it logs anything

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            # After the traceback has become text: that may hold a secret too.
            partial(_without_secrets, secrets_of(os.environ)),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
