"""Checks of a database that machines share: the server, and the workspace in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_server.config import Workspace, database_of
from mcp_server.doctor.diagnosis import Diagnosis
from mcp_server.errors import StorageError
from mcp_server.storage.opening import lack_of_access, schema_of
from mcp_server.trust import Grants, StateFolder

if TYPE_CHECKING:
    from mcp_server.storage.postgres.examine import Server


def of_shared(workspace: Workspace) -> tuple[Sequence[Diagnosis], bool]:
    """Return what is to be said of the server and of the workspace's tables there.

    And whether these are there, and of this version: then the queue can be looked at.
    """
    settings = workspace.settings
    where = f"{database_of(settings.database)}, site {settings.workspace_id}"
    if lack := lack_of_access(workspace, Grants(workspace, StateFolder(workspace))):
        return [_error(where, lack)], False
    from mcp_server.storage.postgres.examine import examine  # noqa: PLC0415 - the driver

    try:
        found = examine(settings.database, schema_of(workspace))
    except StorageError as error:
        return [_error(f"{where}: {error}")], False
    if found.unusable is not None:
        why, advice = found.unusable
        return [_error(f"{where}: {why}", advice)], False
    warnings = [_warning(message, advice) for message, advice in found.warnings]
    return [*warnings, _tables(where, found)], found.schema == found.newest_schema


def _tables(where: str, found: Server) -> Diagnosis:
    message = f"{where}, PostgreSQL {found.version}"
    if found.schema is None:
        message = f"{message}: nothing is there yet; the first call makes it"
    elif found.schema > found.newest_schema:
        message = f"{message}: a newer Pressroom wrote it (schema {found.schema})"
        return _error(message, "Upgrade Pressroom.")
    elif found.schema < found.newest_schema:
        message = f"{message}: schema {found.schema}; this version brings it to "
        advice = "The next server to start does so: upgrade all machines then."
        return _warning(f"{message}{found.newest_schema}", advice)
    else:
        message = f"{message}, schema {found.schema}"
    return Diagnosis(check="database", level="ok", message=message)


def _warning(message: str, advice: str) -> Diagnosis:
    return Diagnosis(check="database", level="warning", message=message, advice=advice)


def _error(message: str, advice: str = "") -> Diagnosis:
    return Diagnosis(check="database", level="error", message=message, advice=advice)
