"""`pressroom doctor`: checks each thing that a workspace needs, and says what to do about it.

Nothing is changed: no database is migrated, and no worker is started. A check that cannot be made
because another failed is left out.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.config import Workspace, find_workspace
from mcp_server.doctor.database import of_database, of_origin, of_queue
from mcp_server.doctor.diagnosis import Diagnosis
from mcp_server.doctor.embedder import of_embedder
from mcp_server.doctor.files import without_database
from mcp_server.doctor.folder import of_folder
from mcp_server.doctor.shared import of_shared
from mcp_server.errors import CallerError, ConfigError
from mcp_server.plugin.loading import Plugins
from mcp_server.storage.moving.journal import check_not_moving
from mcp_server.storage.sqlite.file.platform import present


async def examine_workspace(
    explicit: Path | None,
    *,
    environ: Mapping[str, str],
    cwd: Path,
    clock: Clock,
    plugins: Plugins,
) -> list[Diagnosis]:
    """Check everything and return the findings, in the order of the checks.

    The whole database file is read, which takes seconds if it is large.
    """
    looked = _examined(explicit, environ, cwd, clock, plugins)
    return [finding async for finding in looked]


async def _examined(
    explicit: Path | None,
    environ: Mapping[str, str],
    cwd: Path,
    clock: Clock,
    plugins: Plugins,
) -> AsyncIterator[Diagnosis]:
    for finding in (_versions(), *_plugins(plugins.problems)):
        yield finding
    try:
        workspace = find_workspace(explicit, environ, cwd)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Diagnosis(check="settings", level="error", message=line)
        return
    except CallerError as error:
        yield Diagnosis(check="workspace", level="error", message=str(error))
        return
    mistakes = plugins.read_settings(workspace.plugins, environ)
    looked = of_folder(workspace, environ, plugins.registry.kinds)
    for finding in (*_settings(mistakes), *looked, await of_embedder(workspace, environ)):
        yield finding
    try:
        check_not_moving(workspace.folder(workspace.state_dir))
    except CallerError as error:
        yield Diagnosis(check="database", level="error", message=str(error))
        return
    looked_at = _shared if workspace.settings.database else _own
    async for finding in looked_at(workspace, clock):
        yield finding


async def _shared(workspace: Workspace, clock: Clock) -> AsyncIterator[Diagnosis]:
    findings, is_ready = await anyio.to_thread.run_sync(of_shared, workspace)
    for finding in findings:
        yield finding
    if is_ready:
        async for finding in of_queue(workspace, clock):
            yield finding


async def _own(workspace: Workspace, clock: Clock) -> AsyncIterator[Diagnosis]:
    if not workspace.database.exists():
        yield without_database(workspace)
        return
    if (finding := of_origin(workspace)) is not None:
        yield finding
        return
    finding = of_database(workspace)
    yield finding
    # With advice but no error, the schema is an older one: opening the queue would migrate it.
    if finding.level != "error" and finding.advice == "":
        async for finding in of_queue(workspace, clock):
            yield finding


def _versions() -> Diagnosis:
    sqlite = present()
    message = (
        f"Pressroom {version('pressroom')}, Python {platform.python_version()}, "
        f"SQLite {sqlite.name}, {platform.system()} {platform.machine()}"
    )
    if sqlite.lack is not None:
        return Diagnosis(check="versions", level="error", message=message, advice=sqlite.lack)
    # Nearly every system has the fault, and it damages less than failing disks do: no warning.
    note = "" if sqlite.fault is None else f" (of this SQLite, {sqlite.fault})"
    return Diagnosis(check="versions", level="ok", message=f"{message}{note}")


def _plugins(problems: Sequence[str]) -> Iterator[Diagnosis]:
    for problem in problems:
        advice = "Install what it needs, or uninstall it; everything else works without it."
        yield Diagnosis(check="plugins", level="warning", message=problem, advice=advice)


def _settings(mistakes: Sequence[str]) -> Iterator[Diagnosis]:
    """A plugin cannot use its settings; everything else works."""
    for mistake in mistakes:
        yield Diagnosis(check="settings", level="warning", message=mistake)
