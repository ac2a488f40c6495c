"""What stands on stderr when a command cannot do what it was told, and the exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NoReturn, cast

import typer

from mcp_server.errors import OtherText, ServerError
from mcp_server.excerpt import shortened
from mcp_server.interfaces.cli.output import one_line
from mcp_server.interfaces.cli.shared import EXIT_TROUBLE, EXIT_UNWELL
from mcp_server.interfaces.cli.spelling import as_commands
from mcp_server.redaction import redacted, secrets_of

WORDS_LINES, WORDS_LENGTH = 20, 200
"""Lines of a text that an error is about, and characters of each."""
UNWRITTEN = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO})
"""Errors of writing to stdout: its reader has left, the disk is full, the terminal is gone."""


@contextmanager
def one_line_each() -> Generator[None]:
    """Turn expected errors into a line on stderr each and exit code 2, without a traceback."""
    try:
        yield
    except (ServerError, OSError, ExceptionGroup) as error:  # task groups raise a group
        leaves = list(_leaves(error))
        if failures := _unwritten(leaves):
            _end_unwritten(failures)
        if not all(isinstance(leaf, ServerError) for leaf in leaves):
            raise
        for line in dict.fromkeys(line for leaf in leaves for line in _refusal_lines(leaf)):
            typer.echo(redacted(line, secrets_of(os.environ)), err=True)
        raise SystemExit(EXIT_TROUBLE) from None


def _refusal_lines(error: Exception) -> Iterator[str]:
    """Yield what an error says, and below it the beginning of the text that it is about."""
    for line in str(error).splitlines():
        yield f"pressroom: {one_line(as_commands(line))}"
    if isinstance(error, OtherText):
        words = filter(None, map(one_line, error.words.splitlines()))
        yield from (f"  {shortened(line, WORDS_LENGTH)}" for line in islice(words, WORDS_LINES))


def _unwritten(leaves: Sequence[Exception]) -> list[OSError]:
    """Return the errors of writing to stdout, if there are no others among these."""
    # An error of a file carries the file's name; one of writing to an open stream does not.
    failures = [
        leaf
        for leaf in leaves
        if isinstance(leaf, OSError) and leaf.filename is None and leaf.errno in UNWRITTEN
    ]
    return failures if len(failures) == len(leaves) else []


def _end_unwritten(failures: Sequence[OSError]) -> NoReturn:
    # Python flushes stdout when it exits, and what is left in the buffer would fail once more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    said = {failure.strerror for failure in failures if failure.errno != errno.EPIPE}
    for why in said:
        typer.echo(f"pressroom: the output cannot be written: {why}", err=True)
    raise SystemExit(EXIT_TROUBLE if said else EXIT_UNWELL)


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in cast("ExceptionGroup[Exception]", error).exceptions:
            yield from _leaves(inner)
    else:
        yield error
