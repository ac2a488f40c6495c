"""One workspace in a database: a writer, a reader, and an ear for other processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import psycopg

from mcp_server.clock import Clock
from mcp_server.errors import StorageError
from mcp_server.storage.postgres.connection import Connect, Opened
from mcp_server.storage.postgres.errors import storage_error
from mcp_server.storage.postgres.group import commit
from mcp_server.storage.postgres.listening import Listener
from mcp_server.storage.postgres.migrate import migrate
from mcp_server.storage.postgres.transaction import PostgresTransaction
from mcp_server.storage.postgres.trouble import Trouble
from mcp_server.storage.sql.commits import Changes
from mcp_server.storage.sql.group_commit import GroupCommit, Member, Written
from mcp_server.storage.sql.group_read import GroupRead
from mcp_server.storage.sql.transaction import Transaction

T = TypeVar("T")

POLL_S = 0.1
"""How often other processes' commits are looked for where they cannot be heard."""
LOOK_S = 1.0
"""How often they are looked for all the same: behind a pooler nobody hears anything, nor that."""


class _Hand:
    """A connection, and the thread on which it is used."""

    def __init__(
        self, address: str, schema: str, *, number: int, prepared: bool, by: Connect | None
    ) -> None:
        self.opened = Opened(address, schema, number=number, prepared=prepared, by=by)
        self._thread = ThreadPoolExecutor(1, "pressroom-postgres")

    async def run(self, function: Callable[[], T]) -> T:
        """Run `function` on the thread, to its end even if the caller is cancelled."""
        with anyio.CancelScope(shield=True):
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, function)
            except psycopg.Error as error:
                raise storage_error(error) from error
        raise AssertionError("a shielded scope is not left early")

    async def aclose(self) -> None:
        await self.run(self.opened.close)
        self._thread.shutdown(wait=False)


class ServersClock:
    """The clock of the database server: this machine's, put right by what the server last said."""

    def __init__(self, own: Clock, opened: Opened) -> None:
        self._own, self._opened = own, opened

    def now(self) -> float:
        return self._own.now() + self._opened.ahead_s


class PostgresDatabase:
    """A workspace, as one process has it open."""

    def __init__(
        self,
        address: str,
        schema: str,
        number: int,
        *,
        poll_s: float,
        prepared: bool,
        by: Connect | None = None,
    ) -> None:
        self._new_hand = partial(_Hand, address, schema, number=number, prepared=prepared, by=by)
        self._writer, self._reader = self._new_hand(), self._new_hand()
        self._poll_s = poll_s
        self._changes = Changes()
        self._group = GroupCommit(self._commit, self._changes)
        self._reads = GroupRead(self._read)
        self._trouble = Trouble()
        self._seen: int | None = None
        self._looked_at = 0.0
        loop = asyncio.get_running_loop()
        self._listener = Listener(
            address,
            schema,
            partial(_call_soon, loop, self._changes.note),
            lambda: {self._writer.opened.backend},
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        address: str,
        schema: str,
        *,
        poll_s: float = POLL_S,
        prepared: bool = True,
        by: Connect | None = None,
    ) -> AsyncGenerator[PostgresDatabase]:
        """Open the workspace of this schema, made or migrated to this version's tables.

        Commits of others are heard of at once; where that cannot be, they are looked for every
        `poll_s`. `prepared` is for a server that keeps its connections: not behind a pooler. `by`
        makes connections, where not `connect` does.

        Raises:
            Unavailable: a newer Pressroom wrote it.
            StorageError: it cannot be reached or written.
        """
        number = await anyio.to_thread.run_sync(migrate, address, schema)
        database = cls(address, schema, number, poll_s=poll_s, prepared=prepared, by=by)
        if prepared:  # a pooler would lend what listens to others
            database._listener.start()
        try:
            database._seen = await database._count()
            yield database
        finally:
            with anyio.CancelScope(shield=True):
                await database._group.aclose()  # writes of callers who were cancelled still commit
                await anyio.to_thread.run_sync(
                    database._listener.stop, database._writer.opened.tell
                )
                await database._writer.aclose()
                await database._reader.aclose()

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run one write transaction; if it changed anything, wake those who wait for a change."""
        return (await self.write_step(function)).result

    async def write_step(self, function: Callable[[Transaction], T]) -> Written[T]:
        """Run one write transaction; return its result with the `version` it surely includes."""
        asked = set[str]()

        def noted(tx: Transaction) -> T:
            assert isinstance(tx, PostgresTransaction)
            try:
                return function(tx)
            finally:
                asked.update(tx.asked)

        try:
            written = await self._group.write(noted)
        except StorageError as error:
            self._trouble.met(error, asked)
            raise
        self._trouble.worked(asked, changed=written.changed)
        return written

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run one read transaction on a snapshot."""
        return await self._reads.read(function)

    async def read_aside(self, function: Callable[[Transaction], T]) -> T:
        """Do the same on a connection of its own, for what takes long."""
        aside = self._new_hand()
        try:
            return await aside.run(lambda: aside.opened.read(function))
        finally:
            await aside.aclose()

    def clock(self, own: Clock) -> Clock:
        """Return the server's clock, as this machine can tell: the clocks of hosts differ."""
        return ServersClock(own, self._writer.opened)

    async def checkpoint(self) -> None:
        """Give nothing back: that is the server's to do."""

    @property
    def version(self) -> int:
        """How many commits were noticed so far."""
        return self._changes.version

    @property
    def trouble(self) -> str | None:
        """Why nothing, or not everything, could be written of late, in words."""
        return self._trouble.words

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float | None = None
    ) -> bool:
        """Wait until `version` is past `since`; False: the time ran out first."""
        poll_s = self._poll_s if poll_s is None else poll_s
        return await self._changes.wait(timeout_s, since=since, poll_s=poll_s, outside=self)

    def is_quiet(self) -> bool:
        """Whether nobody needs to look: commits are heard of, and now and then it was looked."""
        return self._listener.listens and time.monotonic() < self._looked_at + LOOK_S

    async def look(self) -> None:
        """Notice another process's commit."""
        self._looked_at = time.monotonic()
        try:
            seen = await self._count()
        except StorageError:
            return  # waiters sleep on; the next read or write meets the error and raises it
        if seen != self._seen:
            self._seen = seen
            self._changes.note()

    async def _count(self) -> int:
        row = await self._reads.read(lambda tx: tx.one("count_commits"))
        assert row is not None
        return row["value"]

    async def _commit(self, group: Sequence[Member[Any]]) -> None:
        await self._writer.run(lambda: commit(self._writer.opened, group))

    async def _read(self, function: Callable[[Transaction], T]) -> T:
        return await self._reader.run(lambda: self._reader.opened.read(function))


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)
