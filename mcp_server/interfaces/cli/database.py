"""`pressroom database`: what concerns where a workspace is kept."""

from __future__ import annotations

from typing import Annotated

import typer

from mcp_server.interfaces.cli.options import WorkspaceOption
from mcp_server.interfaces.cli.output import one_line
from mcp_server.interfaces.cli.shared import runners_of


def database_commands() -> typer.Typer:
    """Return the commands below `database`."""
    cli = typer.Typer(
        help="Move the workspace between a file and a PostgreSQL database.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    cli.callback()(database)  # or its only command would take its place
    cli.command()(move)
    return cli


def database() -> None:
    """Move the workspace between a file and a PostgreSQL database."""


def move(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS", help="postgresql://USER@HOST/NAME, or sqlite for a file."
        ),
    ],
    *,
    workspace_id: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the workspace is called in a shared database.",
            show_default="workspace_id of pressroom.toml, or the folder's name",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Take the workspace to another database: all batches, jobs, texts, pages and vectors.

    All is compared before pressroom.toml names the new place. What was there before stays, under
    another name. If it is interrupted, run it again. A password goes into PGPASSWORD or ~/.pgpass.
    """

    def say(line: str) -> None:
        typer.echo(one_line(line))

    typer.echo(
        one_line(
            runners_of(context).move_database(workspace, to, workspace_id=workspace_id, say=say)
        )
    )
