"""A tool's call that is open: a client's, as the protocol's library hands it out, or a terminal's.

The command line runs the tools as well, and never loads that library.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

PAUSE_S = 0.05
"""Between a call's last progress and its answer. A client in TypeScript that reads both at once has
forgotten the token before it looks at the progress, and reports it as unknown."""


class Waits:
    """The waits of all open calls; they end together when their client has left."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self.ended = False

    @contextmanager
    def at_most(self, seconds: float) -> Generator[None]:
        """Leave the block after `seconds`, or when waits are ended."""
        with anyio.move_on_after(0 if self.ended else seconds) as scope:
            self._open.add(scope)
            try:
                yield
            finally:
                self._open.discard(scope)

    def end(self) -> None:
        """Let every wait end now, and those to come at once."""
        self.ended = True
        for scope in self._open:
            scope.cancel()


def client_of(ctx: ServerRequestContext[Any, Any]) -> str:
    """Return what a client calls itself, empty where it does not say."""
    client = ctx.session.client_params
    return client.client_info.name if client is not None else ""


class OpenCall:
    """A tool's call that has not been answered yet; until then progress can be sent on it."""

    def __init__(self, ctx: ServerRequestContext[Any, Any] | None, waits: Waits) -> None:
        """`ctx` is `None` for a call from a terminal, which shows progress by other means."""
        self._session, self.waits = ctx.session if ctx is not None else None, waits
        meta = ctx.meta if ctx is not None else None
        self.wants_progress = (meta or {}).get("progress_token") is not None
        """Whether its client sent a token for progress."""
        self.client = client_of(ctx) if ctx is not None else None
        """What its client calls itself, empty where it does not say; `None` for a terminal."""
        self._reported_at: float | None = None

    async def report_progress(self, value: float, total: float, message: str) -> None:
        """Send progress, if the client wants any."""
        if self._session is None:
            return
        await self._session.report_progress(value, total, message)
        if self.wants_progress:
            self._reported_at = time.monotonic()

    async def settle(self) -> None:
        """Return when the answer may follow: `PAUSE_S` after the last progress."""
        if self._reported_at is not None:
            with self.waits.at_most(self._reported_at + PAUSE_S - time.monotonic()):
                await anyio.sleep_forever()
