"""The commands that make a workspace, permit what it may do, and find what is wrong with it.

The docstrings of commands are their help texts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mcp_server.clock import SystemClock
from mcp_server.interfaces.cli.options import WorkspaceOption
from mcp_server.interfaces.cli.output import as_json, check_lines, finding_lines, one_line
from mcp_server.interfaces.cli.shared import EXIT_UNWELL, runners_of
from mcp_server.redaction import redacted, secrets_of


class Split(StrEnum):
    """What divides a page into sections."""

    H2 = "h2"


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
