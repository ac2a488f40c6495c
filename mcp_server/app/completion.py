"""What a shell completes: ids of the site's pages and sections. It imports little, and is quick."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mcp_server.config import find_workspace
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.errors import ServerError


def ids(workspace: Path | None) -> Sequence[str]:
    """Return the ids of the site's pages and sections; none where the site cannot be read."""
    try:
        site = SiteLoader(find_workspace(workspace, os.environ, Path.cwd())).load()
    except (ServerError, OSError):
        return ()
    return [*(page.id for page in site.pages), *site.section_ids]
