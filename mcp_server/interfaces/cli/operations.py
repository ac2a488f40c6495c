"""The commands that show what runs and what ran, and wait for it.

The docstrings of commands are their help texts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcp_server.interfaces.cli.arguments import given
from mcp_server.interfaces.cli.options import (
    CursorOption,
    FollowOption,
    JsonOption,
    LimitOption,
    WorkspaceOption,
)
from mcp_server.interfaces.cli.output import as_json, job_lines, one_line, status_lines
from mcp_server.interfaces.cli.runners import Waited
from mcp_server.interfaces.cli.shared import EXIT_INTERRUPTED, EXIT_UNWELL, board, runners_of

INTERVAL_S = 0.5
"""How often to look for operations, and the shortest time between two updates of one."""
INTERVAL_S_MIN = 0.05
"""Looking more often costs more, and shows nothing more."""


def status(
    context: typer.Context,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One batch or job only.")] = None,
    *,
    workspace: WorkspaceOption = None,
    batch: Annotated[str | None, typer.Option(metavar="ID", help="The same, as an option.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="What has changed since 2026-11-23, 7d or 12h ago."),
    ] = None,
    page: Annotated[str | None, typer.Option(metavar="ID", help="What concerns a page.")] = None,
    section: Annotated[
        str | None, typer.Option(metavar="PAGE/SECTION", help="What concerns a section.")
    ] = None,
    active_only: Annotated[
        bool, typer.Option("--active-only", help="Leave out what has ended.")
    ] = False,
    limit: LimitOption = None,
    cursor: CursorOption = None,
    json: JsonOption = False,
    follow: FollowOption = False,
    interval: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=INTERVAL_S_MIN,
            help=f"With --follow: how often to look.  [default: {INTERVAL_S}]",
        ),
    ] = None,
) -> None:
    """Say what runs, what ran, and whether a worker lives; or show it as it goes on.

    Of one batch each section, why it failed, the files written, and the call that comes next.
    Everybody's work is shown, also that of clients which gave a token to the HTTP server.

    With --follow it ends with 1 if the batch or job did not complete, or anything is paused, as
    `wait` does.
    """
    wanted = _one_of(id, batch)
    if follow:
        _follow(context, workspace, wanted, INTERVAL_S if interval is None else interval)
        return
    if interval is not None:
        raise typer.BadParameter("only with --follow", param_hint="--interval")
    asked = {"since": since, "page": page, "section": section, "activeOnly": active_only}
    arguments = given({**asked, "limit": limit, "cursor": cursor})
    answer = runners_of(context).status(workspace, wanted, arguments)
    for line in [as_json(answer)] if json else status_lines(answer):
        typer.echo(line)


def wait(
    context: typer.Context,
    id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One batch, instead of all there is.")
    ] = None,
    *,
    workspace: WorkspaceOption = None,
    batch: Annotated[str | None, typer.Option(metavar="ID", help="The same, as an option.")] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="At most so long.")] = 60,
) -> None:
    """Wait until nothing is left to do, by whomever it was asked for.

    Ends with 1 if the time runs out, something is paused, or the batch did not complete.
    """
    outcome = runners_of(context).wait(workspace, _one_of(id, batch), timeout_s=timeout)
    _say(outcome)


def job(
    context: typer.Context,
    id: Annotated[
        str,
        typer.Argument(metavar="ID", help="As `status ID` shows it for each section of a batch."),
    ],
    *,
    workspace: WorkspaceOption = None,
) -> None:
    """Show one job: where it stands and why, its payload and its result."""
    for line in job_lines(runners_of(context).job(workspace, id)):
        typer.echo(line)


def _one_of(id: str | None, batch: str | None) -> str | None:
    """Return the id that was given as an argument or as an option."""
    if id is not None and batch is not None:
        raise typer.BadParameter("name one, not two", param_hint="ID/--batch")
    return batch if id is None else id


def _follow(
    context: typer.Context, workspace: Path | None, id: str | None, interval_s: float
) -> None:
    try:
        with board() as place:
            outcome = runners_of(context).follow(workspace, id, interval_s=interval_s, board=place)
    except KeyboardInterrupt:
        typer.echo("No longer watching; the work goes on.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _say(outcome)


def _say(outcome: Waited) -> None:
    typer.echo(one_line(outcome.message), err=not outcome.done)
    if not outcome.done:
        raise typer.Exit(EXIT_UNWELL)
