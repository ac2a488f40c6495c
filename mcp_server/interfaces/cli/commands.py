"""The commands of `pressroom`. Each prints what it did; an error is one line on stderr.

The docstrings of commands are their help texts.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.metadata import version
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Annotated, NoReturn, TextIO, cast

import typer

from mcp_server.clock import SystemClock
from mcp_server.config import TOKEN_VARIABLE, named_in
from mcp_server.errors import OtherText, ServerError
from mcp_server.excerpt import shortened
from mcp_server.interfaces.cli.database import database_commands
from mcp_server.interfaces.cli.output import (
    as_json,
    check_lines,
    finding_lines,
    job_lines,
    one_line,
    status_lines,
)
from mcp_server.interfaces.cli.runners import Runners, Waited
from mcp_server.interfaces.cli.shared import (
    EXIT_INTERRUPTED,
    EXIT_TROUBLE,
    EXIT_UNWELL,
    WorkspaceOption,
    board,
    runners_of,
)
from mcp_server.interfaces.cli.spelling import as_commands
from mcp_server.interfaces.cli.verbs import (
    VERBS,
    CursorOption,
    FollowOption,
    JsonOption,
    LimitOption,
    given,
)
from mcp_server.redaction import redacted, secrets_of

INTERVAL_S = 0.5
"""How often to look for operations, and the shortest time between two updates of one."""
INTERVAL_S_MIN = 0.05
"""Looking more often costs more, and shows nothing more."""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765

WORDS_LINES, WORDS_LENGTH = 20, 200
"""Lines of a text that an error is about, and characters of each."""


class Split(StrEnum):
    """What divides a page into sections."""

    H2 = "h2"


UNWRITTEN = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO})
"""Errors of writing to stdout: its reader has left, the disk is full, the terminal is gone."""


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
    with _one_line_each():
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


def _folder(text: str | Path) -> Path:
    """Return the folder that `text` names. Blank text is refused: `Path` would take it for `.`.

    The default, which is a folder already, comes by here in some versions of Typer.
    """
    if isinstance(text, Path):
        return text
    if not text.strip():
        raise typer.BadParameter("name a folder; `.` is the one you are in")
    return Path(text)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to make it in.", parser=_folder)
    ] = Path(),
    *,
    import_: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FOLDER",
            help="The pages of a site that is there, where they are not found.",
            parser=_folder,
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option(help="Of a site that is there: a section for each second-level heading."),
    ] = None,
) -> None:
    """Make a workspace, overwriting nothing: of the site that is there, or of a starter site.

    A site of Hugo, Astro, Starlight, Docusaurus, MkDocs, Jekyll, Eleventy, Pelican or VitePress is
    recognised, in DIR, below it, or around it; its pages stay as they are.
    """
    from mcp_server.interfaces.cli.init import (  # noqa: PLC0415 - only this command needs it
        init_lines,
    )

    for line in init_lines(folder, import_, split=split is not None, clock=SystemClock()):
        typer.echo(line if line.startswith("  ") else one_line(line))


def trust(
    context: typer.Context,
    *,
    workspace: WorkspaceOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Say yes to all that is asked, having read it before.")
    ] = False,
) -> None:
    """Say what a workspace that others made may do: what it would send, and where it would write.

    Asks before anything is kept. What you set in the environment, or in your own settings file,
    needs no question.
    """

    def ask(said: Sequence[str], question: str) -> bool:
        for line in said:
            typer.echo(one_line(line) if line.strip() == line else f"  {one_line(line)}")
        return yes or typer.confirm(question, default=None)  # an Enter is no answer

    typer.echo(runners_of(context).trust(workspace, ask))


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


def check(
    context: typer.Context,
    *,
    live: Annotated[
        bool, typer.Option("--live", help="What is live, instead of the drafts.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as an object.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Check all texts: invented figures, contradictions, dead links. Ends with 1 if one is held."""
    result = runners_of(context).check(workspace, live=live)
    for line in [as_json(result)] if json else check_lines(result):
        typer.echo(redacted(line, secrets_of(os.environ)))
    if not result["well"]:
        raise typer.Exit(EXIT_UNWELL)


def doctor(
    context: typer.Context,
    *,
    workspace: WorkspaceOption = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the findings as a list of objects.")
    ] = False,
) -> None:
    """Look for what may be wrong, and say what helps. Ends with 1 if there is an error."""
    findings = runners_of(context).doctor(workspace)
    for line in [as_json(findings)] if json else finding_lines(findings):
        typer.echo(redacted(line, secrets_of(os.environ)))
    if any(finding["level"] == "error" for finding in findings):
        raise typer.Exit(EXIT_UNWELL)


def demo(
    *,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            help="The demo's workspace; made if it is not there.",
            show_default="pressroom-demo, or pressroom-demo-existing",
        ),
    ] = None,
    existing: Annotated[
        bool, typer.Option("--existing", help="With a small site that is there, in git.")
    ] = False,
) -> None:
    """See the main job from end to end, in about 20 seconds and without a key.

    With --existing: one paragraph of a site that is there is changed and taken back, and git shows
    what that does to its files.
    """
    # Only here, as these bring mcp and rich.
    if existing:
        from mcp_server.interfaces.cli.demo_existing import run_demo_existing  # noqa: PLC0415

        run_demo_existing(folder or Path("pressroom-demo-existing"))
    else:
        from mcp_server.interfaces.cli.demo import run_demo  # noqa: PLC0415

        run_demo(folder or Path("pressroom-demo"))


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


def _refuse_without_http(*given: object) -> None:
    if any(value not in (None, []) for value in given):
        message = "only with --http"
        raise typer.BadParameter(
            message, param_hint="--host/--port/--allowed-host/--allowed-origin"
        )


@contextmanager
def _one_line_each() -> Generator[None]:
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
