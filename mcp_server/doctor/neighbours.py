"""Which other workspaces have their pages in the same folder.

Each sees what the other writes as what somebody has written there, and they share no lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mcp_server.config import SETTINGS_FILE, Workspace, open_workspace
from mcp_server.doctor.diagnosis import Diagnosis, first_of
from mcp_server.errors import ServerError
from mcp_server.trust import known_workspaces

NAMED_MAX = 3
"""Workspaces that get a finding each; the rest are only counted."""


def of_neighbours(workspace: Workspace) -> Iterator[Diagnosis]:
    """Warn of other workspaces on this one's content folder, as far as they can be known.

    That are those that this user has worked in, and those around the folder.
    """
    found = [
        Diagnosis(
            check="content folder",
            level="warning",
            message=f"the workspace {other} has its pages there, too",
            advice="Each takes what the other writes for somebody's edit, and may write between "
            "its look and its write: let one of them have another content_dir.",
        )
        for other in _sharing(workspace)
    ]
    yield from first_of(found, NAMED_MAX, "workspaces")


def _sharing(workspace: Workspace) -> Iterator[Path]:
    content, own = workspace.content_dir.resolve(), workspace.root.resolve()
    around = [content, *content.parents]
    there = {each.resolve() for each in (*around, *known_workspaces())}
    for root in sorted(there - {own}):
        with suppress(ServerError, OSError):
            if (root / SETTINGS_FILE).is_file():
                # Without our environment, which names a folder for this workspace only.
                other = open_workspace(root, {}).content_dir.resolve()
                if other.is_relative_to(content) or content.is_relative_to(other):
                    yield root
