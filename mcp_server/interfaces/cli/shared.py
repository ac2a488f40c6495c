"""What all commands share: exit codes, the application, and where progress is shown."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO, cast

import typer

from mcp_server.interfaces.cli.lines import Lines
from mcp_server.interfaces.cli.runners import Board, Runners

EXIT_TROUBLE = 2
"""Exit code for expected errors, the same as for a wrong option."""

EXIT_UNWELL = 1
"""Exit code of the doctor if something is wrong, and of a wait for work that was not done."""

EXIT_INTERRUPTED = 130
"""Exit code after an interrupt, as shells use it (128 + SIGINT)."""


@contextmanager
def board() -> Generator[Board]:
    """Yield moving bars on a terminal, plain lines elsewhere; rich is only imported for bars."""
    stdout = cast("TextIO | None", sys.stdout)  # `None` if it was closed by `>&-`
    if stdout is not None and stdout.isatty():
        from mcp_server.interfaces.cli.bars import Bars, terminal  # noqa: PLC0415 - brings rich

        if (console := terminal()) is not None:
            with Bars(console).shown() as bars:
                yield bars
            return
    yield Lines(typer.echo)


def runners_of(context: typer.Context) -> Runners:
    runners = context.obj
    assert isinstance(runners, Runners), "build_cli puts them there"
    return runners
