"""Calls a tool for the command of its name, and prints what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from mcp_server.interfaces.cli.answers import answer_lines
from mcp_server.interfaces.cli.arguments import given
from mcp_server.interfaces.cli.lines import Unseen
from mcp_server.interfaces.cli.output import as_json, one_line
from mcp_server.interfaces.cli.runners import Board, Called
from mcp_server.interfaces.cli.shared import EXIT_INTERRUPTED, EXIT_UNWELL, board, runners_of

UNDONE = frozenset({"failed", "cancelled", "paused"})
"""States of an answer that a script must not go on from."""

INTERRUPTED = "No longer watching. What was queued goes on while a worker runs."
"""A worker that was started for it runs on; one that runs in this process (`worker = "embedded"`)
ends with it, and the next goes on."""


@dataclass(frozen=True, slots=True)
class How:
    """How a command calls its tool."""

    workspace: Path | None
    follow: bool = False
    json: bool = False


def queue(context: typer.Context, tool: str, arguments: Mapping[str, Any], how: How) -> None:
    """Call a tool that queues work; end with 1 if what it answers with was not done."""
    called = call(context, tool, arguments, how)
    if called.worker is not None and not how.json:
        typer.echo(one_line(called.worker))
    if called.answer.get("status") in UNDONE:
        raise typer.Exit(EXIT_UNWELL)


def call(context: typer.Context, tool: str, arguments: Mapping[str, Any], how: How) -> Called:
    """Call a tool, and print its answer: lines as they come, or JSON at the end."""
    try:
        called = _called(context, tool, given(arguments), how)
    except KeyboardInterrupt:
        typer.echo(INTERRUPTED, err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if how.json:
        typer.echo(as_json(called.answer))
    elif how.follow and "operation" in called.answer:
        _print({key: called.answer[key] for key in ("message", "next") if key in called.answer})
    return called


def _called(context: typer.Context, tool: str, arguments: Mapping[str, Any], how: How) -> Called:
    def answered(answer: Mapping[str, Any]) -> None:
        if not how.json:
            left_out = {"next"} if how.follow else set[str]()  # it is what is done now
            _print({key: value for key, value in answer.items() if key not in left_out})

    with _place(how) as place:
        return runners_of(context).call(
            how.workspace, tool, arguments, board=place, answered=answered
        )


def _place(how: How) -> AbstractContextManager[Board | None]:
    """Return where the batch is shown as it goes on."""
    if not how.follow:
        return nullcontext()
    return nullcontext(Unseen()) if how.json else board()


def _print(answer: Mapping[str, Any]) -> None:
    for line in answer_lines(answer):
        typer.echo(line)
