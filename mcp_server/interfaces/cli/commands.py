"""The command line `pressroom`: which commands there are, and how one of them is run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, TextIO, cast

import typer

from mcp_server.interfaces.cli.database import database_commands
from mcp_server.interfaces.cli.operations import job, status, wait
from mcp_server.interfaces.cli.runners import Runners
from mcp_server.interfaces.cli.serve import serve, stop, worker
from mcp_server.interfaces.cli.trouble import one_line_each
from mcp_server.interfaces.cli.verbs import VERBS
from mcp_server.interfaces.cli.workspace import check, demo, doctor, init, trust


def build_cli(runners: Runners) -> typer.Typer:
    """Return the command line; `runners` do everything that needs the application."""
    cli = typer.Typer(
        name="pressroom",
        help="Write a web site in the background: drafts to review, promote and take back.",
        no_args_is_help=True,
        rich_markup_mode=None,  # rich would cost every command its import
        pretty_exceptions_enable=False,
        context_settings={"obj": runners},
    )
    cli.callback()(root)
    for command in (
        serve,
        init,
        trust,
        *VERBS,
        status,
        wait,
        job,
        worker,
        stop,
        check,
        doctor,
        demo,
    ):
        cli.command(command.__name__.replace("_", "-"))(command)
    cli.add_typer(database_commands(), name="database")
    return cli


def run_cli(runners: Runners, arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments` (default: the process's own), then exit the process."""
    _print_what_can_be()
    with one_line_each():
        build_cli(runners)(arguments, prog_name="pressroom")


def _print_what_can_be() -> None:
    """Print a `?` for each letter that the encoding of stdout lacks, as cp1252 on Windows does."""
    stdout = cast("TextIO | None", sys.stdout)  # `None` if it was closed by `>&-`
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(errors="replace")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pressroom {version('pressroom')}")
        raise typer.Exit


def root(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Nothing: the command does it."""
    assert not show_version, "its callback has left"
