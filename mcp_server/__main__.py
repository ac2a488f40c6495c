"""The entry: `pressroom`, or `python -m mcp_server`. Each runner imports the application late."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_server.interfaces.cli import Ask, Board, Called, Waited
    from mcp_server.interfaces.cli.runners import ServeStdio
    from mcp_server.jobs.job import Job


def main() -> None:
    """Carry out the command line of this process, and exit."""
    words = sys.argv[1:]
    if _is_what_clients_run(words):
        _serve_or_tell(Path(words[2]) if words[2:] else None)
    else:
        _run_cli(_serve_stdio)


def _is_what_clients_run(words: Sequence[str]) -> bool:
    """Whether this is a plain `serve`, whose client waits.

    The parser of the command line would take a tenth of the time until its first answer.
    """
    match words:
        case ["serve"]:
            return True
        case ["serve", "--workspace" | "-w", folder]:
            return bool(folder) and not folder.startswith("-")
        case _:
            return False


def _serve_or_tell(workspace: Path | None) -> None:
    try:
        _serve_stdio(workspace)
    except Exception as error:  # noqa: BLE001 -- told, or raised again, as by every command
        failed = error

        def fail(workspace: Path | None) -> None:  # noqa: ARG001 - called as what it stands for
            raise failed

        _run_cli(fail)


def _run_cli(serve_stdio: ServeStdio) -> None:
    from mcp_server.interfaces.cli import Runners, run_cli  # noqa: PLC0415 - see `main`

    run_cli(
        Runners(
            serve_stdio=serve_stdio,
            serve_http=_serve_http,
            run_worker=_run_worker,
            stop_worker=_stop_worker,
            call=_call,
            ids=_ids,
            status=_status,
            follow=_follow,
            wait=_wait,
            job=_job,
            check=_check,
            doctor=_doctor,
            trust=_trust,
            move_database=_move_database,
        )
    )


def _serve_stdio(workspace: Path | None) -> None:
    import gc  # noqa: PLC0415 - as late as can be

    # Imports make hardly any garbage, and looking for it takes a twentieth of the time until the
    # first answer. `settle_memory` begins to collect again.
    gc.disable()
    from mcp_server.interfaces.mcp.stdio import claim_stdout  # noqa: PLC0415 - as late as can be

    claim_stdout()  # before any other import has a chance to print
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    app.serve_stdio(workspace)


def _serve_http(
    workspace: Path | None,
    *,
    host: str,
    port: int,
    token: str | None,
    allowed_hosts: Sequence[str],
    allowed_origins: Sequence[str],
) -> None:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    app.serve_http(
        workspace,
        host=host,
        port=port,
        token=token,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
    )


def _run_worker(workspace: Path | None, *, detached: bool) -> None:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    app.run_worker(workspace, detached=detached)


def _stop_worker(workspace: Path | None) -> str:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.stop_worker(workspace)


def _call(
    workspace: Path | None,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    board: Board | None,
    answered: Callable[[Mapping[str, Any]], None],
) -> Called:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.call(workspace, tool, arguments, board=board, answered=answered)


def _ids(workspace: Path | None) -> Sequence[str]:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.ids(workspace)


def _status(
    workspace: Path | None, operation_id: str | None, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.status(workspace, operation_id, arguments)


def _follow(
    workspace: Path | None, operation_id: str | None, *, interval_s: float, board: Board
) -> Waited:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.follow(workspace, operation_id, interval_s=interval_s, board=board)


def _wait(workspace: Path | None, batch_id: str | None, *, timeout_s: float) -> Waited:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.wait(workspace, batch_id, timeout_s=timeout_s)


def _job(workspace: Path | None, job_id: str) -> Job:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.job(workspace, job_id)


def _check(workspace: Path | None, *, live: bool) -> Mapping[str, Any]:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.check(workspace, live=live)


def _doctor(workspace: Path | None) -> Sequence[Mapping[str, str]]:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.doctor(workspace)


def _trust(workspace: Path | None, ask: Ask) -> str:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.trust(workspace, ask)


def _move_database(
    workspace: Path | None, to: str, *, workspace_id: str | None, say: Callable[[str], None]
) -> str:
    from mcp_server import app  # noqa: PLC0415 - as late as can be

    return app.move_database(workspace, to, workspace_id=workspace_id, say=say)


if __name__ == "__main__":
    main()
