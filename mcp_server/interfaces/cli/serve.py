"""The commands that run the server and its worker, and end the worker.

The docstrings of commands are their help texts.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from mcp_server.config import TOKEN_VARIABLE, named_in
from mcp_server.interfaces.cli.options import WorkspaceOption
from mcp_server.interfaces.cli.shared import runners_of

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765


def serve(
    context: typer.Context,
    *,
    workspace: WorkspaceOption = None,
    http: Annotated[
        bool, typer.Option("--http", help="Serve over HTTP instead of stdin and stdout.")
    ] = False,
    host: Annotated[
        str | None, typer.Option(help=f"Address to listen on.  [default: {DEFAULT_HOST}]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help=f"Port to listen on.  [default: {DEFAULT_PORT}]"),
    ] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="Host name that clients may use; repeatable.")
    ] = None,
    allowed_origin: Annotated[
        list[str] | None, typer.Option(help="Web origin that may call; repeatable.")
    ] = None,
) -> None:
    """Run the MCP server.

    Over HTTP, any address but this machine's own needs PRESSROOM_TOKEN and --allowed-host.
    """
    if not http:
        _refuse_without_http(host, port, allowed_host, allowed_origin)
        runners_of(context).serve_stdio(workspace)
        return
    runners_of(context).serve_http(
        workspace,
        host=DEFAULT_HOST if host is None else host,
        port=DEFAULT_PORT if port is None else port,
        token=named_in(os.environ, TOKEN_VARIABLE) or None,
        allowed_hosts=tuple(allowed_host or ()),
        allowed_origins=tuple(allowed_origin or ()),
    )


def worker(
    context: typer.Context,
    *,
    workspace: WorkspaceOption = None,
    detached: Annotated[
        bool, typer.Option("--detached", help="Leave when there has been no work for a minute.")
    ] = False,
) -> None:
    """Work through what is queued, until interrupted."""
    runners_of(context).run_worker(workspace, detached=detached)


def stop(context: typer.Context, *, workspace: WorkspaceOption = None) -> None:
    """End the worker; running jobs get their grace, the rest stays queued."""
    typer.echo(runners_of(context).stop_worker(workspace))


def _refuse_without_http(*given: object) -> None:
    if any(value not in (None, []) for value in given):
        message = "only with --http"
        raise typer.BadParameter(
            message, param_hint="--host/--port/--allowed-host/--allowed-origin"
        )
