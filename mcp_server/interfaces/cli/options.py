"""The arguments and options that several commands take, and what a shell completes them to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from mcp_server.interfaces.cli.shared import runners_of

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The folder that holds pressroom.toml. Without it: PRESSROOM_WORKSPACE, or the "
        "nearest such folder upward from here.",
    ),
]


def _ids(context: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield what a page or section that is being typed may become."""
    found = runners_of(context).ids(context.params.get("workspace"))
    yield from (id for id in found if id.startswith(incomplete))


def _pages(context: typer.Context, incomplete: str) -> Iterator[str]:
    yield from (id for id in _ids(context, incomplete) if "/" not in id)


Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PAGE | PAGE/SECTION]...",
        help="Pages, such as menu, or sections, such as menu/hero; a page in a folder: --page.",
        autocompletion=_ids,
    ),
]
PageOption = Annotated[
    list[str] | None, typer.Option(metavar="ID", help="A page; repeatable.", autocompletion=_pages)
]
SectionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PAGE/SECTION",
        help="A section, or its bare id beside --page; repeatable.",
        autocompletion=_ids,
    ),
]
BatchOption = Annotated[str | None, typer.Option("--batch-id", "--batch", metavar="ID")]
BatchArgument = Annotated[str, typer.Argument(metavar="BATCH")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done; nothing is queued.")
]
DigestOption = Annotated[
    str | None,
    typer.Option(metavar="DIGEST", help="What a dry run answered: refused if anything changed."),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Go on although the live text has changed.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="The same call with the same key is answered the same."),
]
ModeOption = Annotated[
    str | None,
    typer.Option(metavar="leave|new|with-current", help="What becomes of present texts."),
]
InstructionsOption = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Wishes for the writing.")
]
CostOption = Annotated[
    float | None,
    typer.Option(metavar="USD", help="The batch pauses before it would cost more."),
]
AsOfOption = Annotated[
    str | None, typer.Option(metavar="WHEN", help="At the end of a day (2026-11-24) or time.")
]
RevisionOption = Annotated[
    str | None, typer.Option(metavar="HASH", help="An earlier text, by its hash.")
]
LimitOption = Annotated[int | None, typer.Option(metavar="ROWS", help="Rows at most.")]
CursorOption = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Where the answer before has ended.")
]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Show it as it goes on, until it is over.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the answer as the tool gives it, for programs.")
]
