"""Which database a workspace has: a file in its state folder, or one that machines share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from importlib.util import find_spec

import anyio.to_thread

from mcp_server.config import Workspace, database_of
from mcp_server.content.pages.page_files import HoldPage
from mcp_server.errors import Unavailable
from mcp_server.storage.moving.journal import check_not_moving
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sqlite.file.database import Database as SqliteDatabase
from mcp_server.trust import Grants, StateFolder

INSTALL = "pip install 'pressroom[postgres]'"
"""Brings the driver."""
POLL_S = 0.1


@asynccontextmanager
async def open_database(
    workspace: Workspace, state: StateFolder, grants: Grants, *, poll_s: float = POLL_S
) -> AsyncGenerator[Database]:
    """Open the workspace's database, migrated to this version's tables.

    Commits of others are looked for every `poll_s`, where nobody tells of them.

    Raises:
        Unavailable: a newer Pressroom wrote it, its user has not permitted it, its driver is not
            installed, or it is being moved.
        StorageError: it cannot be opened or reached.
    """
    settings = workspace.settings
    folder = workspace.folder(workspace.state_dir)
    await anyio.to_thread.run_sync(check_not_moving, folder)
    if not settings.database:
        async with SqliteDatabase.open(
            workspace.database,
            synchronous=settings.synchronous,
            poll_s=poll_s,
            mark=state.demanded_mark,
        ) as database:
            yield database
        return
    if lack := lack_of_access(workspace, grants):
        raise Unavailable(lack)
    from mcp_server.storage.postgres.database import PostgresDatabase  # noqa: PLC0415 - the driver

    async with PostgresDatabase.open(
        settings.database,
        schema_of(workspace),
        poll_s=poll_s,
        prepared=not settings.database_pooled,
    ) as shared:
        yield shared


def pages_folder(workspace: Workspace, state: StateFolder) -> str:
    """Return what the folder of the pages' files is called in a database that machines share."""
    return workspace.settings.content_id or f"of {state.mark}"


def page_lock_of(workspace: Workspace) -> HoldPage | None:
    """Return what holds a page's file against other machines; `None` where none shares its folder.

    The machine's own file locks are enough there.
    """
    settings = workspace.settings
    if not settings.database or not settings.content_id:
        return None

    def hold(page: str, within_s: float) -> AbstractContextManager[Callable[[], bool] | None]:
        from mcp_server.storage.postgres.page_lock import page_lock  # noqa: PLC0415 - the driver

        return page_lock(settings.database, schema_of(workspace), page, within_s)

    return hold


def lack_of_access(workspace: Workspace, grants: Grants) -> str | None:
    """Return why a shared database cannot be asked, and what helps; `None` if it can."""
    if not grants.of_database():
        where = database_of(workspace.settings.database)
        return f"The database {where} is not permitted yet: run `pressroom trust` in this folder."
    return lack_of_driver()


def lack_of_driver() -> str | None:
    """Return what to install before any shared database can be asked; `None`: nothing."""
    if find_spec("psycopg") is None:
        return f"A shared database needs a driver: {INSTALL}"
    return None


def schema_of(workspace: Workspace) -> str:
    """Return the schema in which a shared database has the workspace."""
    return f"pressroom_{workspace.settings.workspace_id}"
