"""`pressroom init`: makes a workspace of a site that is there, or of the starter site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mcp_server.clock import Clock
from mcp_server.content.existing.importing import import_site
from mcp_server.content.existing.search import Place, absolute, place_of, place_with, site_around
from mcp_server.content.workspace.starter import init_workspace
from mcp_server.errors import CallerError
from mcp_server.interfaces.cli.connect import claude_code_line
from mcp_server.interfaces.cli.import_lines import around_line, import_lines


class NothingToSplit(CallerError):
    """`--split` was asked for, and there is no site whose pages could be divided."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"--split is for a site that is there, and none was found in {folder}: name the folder "
            "with its pages by --import FOLDER, or leave out --split."
        )


def init_lines(folder: Path, content: Path | None, *, split: bool, clock: Clock) -> Iterator[str]:
    """Make the workspace, and yield what to print of it.

    Raises:
        CallerError: a workspace is there, or it is not clear which site is meant.
        Unavailable: the folder cannot be written.
    """
    directory = absolute(folder)
    place = _place(directory, content)
    if place is None:
        if split:
            raise NothingToSplit(directory)
        yield from _starter_lines(folder)
        return
    today = datetime.fromtimestamp(clock.now(), UTC).date().isoformat()
    imported = import_site(place, today=today, split=split)
    yield from import_lines(imported)
    yield f"{place.root} is a workspace now. See what is there: pressroom review -w {place.root}"
    yield "To use it from Claude Code:"
    yield f"  {claude_code_line(place.root)}"


def _place(directory: Path, content: Path | None) -> Place | None:
    if content is None:
        return place_of(directory)
    here = absolute(content)
    return place_with(directory, here if here.is_dir() else absolute(directory / content))


def _starter_lines(folder: Path) -> Iterator[str]:
    for path in init_workspace(folder):
        yield f"  {path}"
    if (around := site_around(absolute(folder))) is not None:
        yield around_line(around)
    yield f"{folder.resolve()} is a workspace now. To use it from Claude Code:"
    yield f"  {claude_code_line(folder)}"
