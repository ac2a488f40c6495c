"""A workspace that holds something of everything, to be moved from one database to another."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import run_sync

from mcp_server.app import move_database
from mcp_server.config import open_workspace, without_its_password
from mcp_server.entities.usage import Limits, Reservation, Spent
from mcp_server.storage.opening import schema_of
from mcp_server.storage.sql.usage import SqlLedger
from mcp_server.storage.sqlite.file.connection import open_file
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.file.migrate import adopt
from mcp_server.trust import StateFolder
from tests.harness import desk, small_site
from tests.storage.moved_rows import Rows, rows_of_file, rows_of_schema
from tests.storage.postgres_server import server
from tests.waiting import PATIENCE_S, until

PAGES = {"menu": 2, "team": 2, "home": 1}
SETTINGS = {"embedder": "words", "worker": "embedded", "heartbeat_s": 0.2, "lease_s": 1}


def pressroom(
    root: Path, *arguments: str, module: str = "mcp_server", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command on the workspace to its end."""
    inherited = {key: value for key, value in os.environ.items() if "PRESSROOM" not in key}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=root,
        env=inherited | {"PYTHONPATH": os.getcwd()} | environment,  # noqa: PTH109 - as it stands
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


async def filled_file(root: Path) -> Path:
    """Make a file with texts of every fate, and with work that is queued and that is paused."""
    small_site(root, PAGES, **SETTINGS)
    async with desk(root) as chat:
        await chat.run("generate-all", requestKey="once")
        await chat.run("promote", pages=["menu", "team", "home"])
        await chat.call("edit", section="menu/s1", text="Fresh bread — früh & spät 🥖")
        await chat.run("promote", sections=["menu/s1"])
        await chat.run("rollback", page="team")
        await chat.call("edit", section="home/s1", text="never shown")
        await chat.call("edit", section="home/s1", discard=True)
        file = open_workspace(root, {}).database
        await until(lambda: run_sync(_all_embedded, file))
    with _set(PRESSROOM_MODEL="anthropic:none"):  # whose key nobody has
        async with desk(root) as chat:
            assert (await chat.run("generate", page="home"))["status"] == "paused"
    with _set(PRESSROOM_COMPOSER_DELAY_S="60", PRESSROOM_GRACE_S="0"):  # so that it stays undone
        async with desk(root) as chat:
            await chat.call("edit", section="menu/s2", text="not embedded yet")
            await chat.call("generate", page="team", instructions="shorter")
    with closing(open_file(file)) as opened:  # as a model that runs here would have made it
        opened.execute("UPDATE meanings SET vector = x'0000803f000000bf' WHERE page = 'menu'")
    async with Database.open(file) as database:
        ledger = SqlLedger(database)
        for id, spent in (("open", None), ("closed", Spent(input_tokens=9, cost=7))):
            reservation = Reservation(
                id=id,
                model="anthropic:none",
                batch_id="b1",
                job_id="j1",
                attempt_id="a1",
                input_tokens=10,
                output_tokens=20,
                cost=3_000_000_000_000,
            )
            await ledger.reserve(reservation, Limits(), now=86_400.5)
            if spent is not None:
                await ledger.close(id, spent, now=86_401.25)
    return file


@contextmanager
def _set(**variables: str) -> Generator[None]:
    os.environ |= variables
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def _all_embedded(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as found:
        return not found.execute("SELECT count(*) FROM unembedded").fetchone()[0]


@dataclass(frozen=True)
class Movable:
    """A workspace whose file holds something of everything, and a name of its own on a server."""

    root: Path
    id: str

    @property
    def address(self) -> str:
        """Of the shared database."""
        return server()

    @property
    def address_without_password(self) -> str:
        """The same, as it may be written down."""
        return without_its_password(server())

    @property
    def file(self) -> Path:
        """Where the workspace is, unless it was moved."""
        return self.root / ".pressroom" / "pressroom.db"

    @property
    def settings(self) -> Path:
        """The workspace's own settings."""
        return self.root / "pressroom.toml"

    @property
    def schema(self) -> str:
        """Where it is in the shared database."""
        return f"pressroom_{self.id}"

    @property
    def is_shared(self) -> bool:
        """Whether its settings say that it is in the shared database."""
        workspace = open_workspace(self.root, {})
        return bool(workspace.settings.database) and schema_of(workspace) == self.schema

    def move(self, to: str | None = None, **different: str | None) -> tuple[str, list[str]]:
        """Move it; return what is said in the end, and what was said before."""
        said: list[str] = []
        asked: dict[str, str | None] = {"workspace_id": self.id, **different}
        id = None if to == "sqlite" else asked["workspace_id"]
        end = move_database(self.root, to or self.address, workspace_id=id, say=said.append)
        return end, said

    def rows(self) -> Rows:
        """Return every row, from where the settings say that they are."""
        if self.is_shared:
            return rows_of_schema(self.address, self.schema, self._like())
        return rows_of_file(self.file)

    def _like(self) -> Path:
        """Return a file with the same tables."""
        return next(self.file.parent.glob("pressroom.db*"))


def movable(root: Path, filled: Path) -> Movable:
    """Make a workspace whose file is a copy of this one."""
    id = f"t{hashlib.blake2b(str(root).encode(), digest_size=10).hexdigest()}"
    small_site(root, PAGES, **SETTINGS)
    workspace = open_workspace(root, {})
    state = StateFolder(workspace)
    state.prepare()
    shutil.copy(filled, workspace.database)
    mark = state.demanded_mark()
    assert mark is not None
    adopt(workspace.database, mark)
    with closing(open_file(workspace.database)) as file:
        file.execute("DELETE FROM hosts")  # of processes that have ended, or are this one
    return Movable(root, id)
