"""Statements that are sent together, without waiting for the answer of one to send the next."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection, Pipeline
from psycopg.generators import send
from psycopg.pq import PipelineStatus

from mcp_server.storage.postgres.rows import PostgresRow


class Together(Pipeline):
    """The driver's pipeline, which sends nothing before somebody reads an answer: then all at once.

    The driver itself sends each statement as it comes. A process that is stopped behind one would
    keep the lock of its workspace for as long as it stands still: the server takes it for busy, and
    counts no time, until it is told that no more comes for now.
    """

    def _communicate_gen(self) -> Generator[Any, Any, None]:
        yield from ()

    def _sync_gen(self) -> Generator[Any, Any, None]:
        self._enqueue_sync()
        while self.command_queue:
            self.command_queue.popleft()()  # libpq keeps what it can of it
        yield from send(self.pgconn)
        yield from super()._fetch_gen(flush=False)

    def _fetch_gen(self, *, flush: bool) -> Generator[Any, Any, None]:
        if flush:
            yield from self._sync_gen()
        else:
            yield from super()._fetch_gen(flush=False)

    def _exit_gen(self) -> Generator[Any, Any, None]:
        yield from self._sync_gen()


@contextmanager
def sent_together(connection: Connection[PostgresRow]) -> Generator[Pipeline]:
    """Do not wait for answers until one is read; at the end all have come.

    After one that is refused, the server passes by all that were sent with it.

    Raises:
        psycopg.Error: one was refused, or the connection is lost.
    """
    failed: BaseException | None = None
    # The driver would make one of its own, and has no public name for that.
    connection._pipeline = Together(connection)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    try:
        with connection.pipeline() as pipeline:
            try:
                yield pipeline
            except BaseException as error:  # noqa: BLE001 -- raised below
                failed = error
                with suppress(psycopg.Error):  # it tells once more of the statement
                    pipeline.sync()
    except psycopg.Error:
        if failed is None:
            raise
    finally:
        if not connection.closed and connection.info.pipeline_status != PipelineStatus.OFF:
            connection.close()  # the driver has lost count of the answers
    if failed is not None:
        raise failed
