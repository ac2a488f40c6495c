"""Hears that another process has committed: a connection that listens, with a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import psycopg
import structlog
from psycopg import sql

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import channel_of

HEARS_S = 5.0
"""How soon the thread ends at the latest after it was told to."""
HUSH_S = 0.02
"""After it has heard, it hears of all that is told meanwhile at once. Whoever hears looks what
there is: where many work, each commit would make all others look."""
STOP_S = 1.0
"""How long whoever ends it waits for it."""
AGAIN_S = 1.0
"""How soon a lost connection is made again."""

logger = structlog.get_logger(__name__)


class Listener:
    """Calls `heard` for each commit of others; and once it listens, for those it has missed."""

    def __init__(
        self,
        address: str,
        schema: str,
        heard: Callable[[], None],
        own: Callable[[], Collection[int | None]],
    ) -> None:
        """`own` are the server's processes whose commits are known already."""
        self._address, self._channel = address, channel_of(schema)
        self._heard, self._own = heard, own
        self._ended = threading.Event()
        self.listens = False
        """Whether commits are heard of now; otherwise they are to be looked for."""
        self._thread = threading.Thread(target=self._run, name="pressroom-listen", daemon=True)

    def start(self) -> None:
        """Begin to listen, as soon as there is a connection."""
        self._thread.start()

    def stop(self, wake: Callable[[], None]) -> None:
        """End the thread, at the latest once nobody needs it. `wake` tells it something.

        It blocks until it has ended, or `STOP_S` where the server does not answer.
        """
        self._ended.set()
        if self.listens:
            wake()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with connect(self._address) as connection:
                    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
                    self.listens = True
                    self._heard()
                    while not self._ended.is_set():
                        told = connection.notifies(timeout=HEARS_S, stop_after=1)
                        if any(each.pid not in self._own() for each in [*told]):
                            self._heard()
                            self._ended.wait(HUSH_S)
            except psycopg.Error as error:
                if self.listens:
                    logger.info("commits of others are looked for", why=type(error).__name__)
            finally:
                self.listens = False
            self._ended.wait(AGAIN_S)
