"""How long an answer may be, and as many rows of it as fit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import TypeVar

from mcp_server.interfaces.mcp.answers.replies import Reply

REPLY_BYTES_MAX = 2_000
"""The largest answer to a call that asked for no details: every answer takes up room in a chat."""
DETAIL_BYTES_MAX = 20_000
"""The largest answer if texts, differences or full reasons were asked for."""
ROWS = 10
"""Rows of a list if the call names no limit."""

R = TypeVar("R", bound=Reply)


def fitted(build: Callable[[int], R], rows: int, *, bytes_max: int, least: int = 0) -> R:
    """Return the answer with as many rows as fit into `bytes_max`, at most `rows`.

    It has `least` rows even if these are too long, so that a cursor always moves on. An answer with
    more rows counts as longer, so only a few are built, and none much longer than what fits.
    """

    def fits(count: int) -> bool:
        return len(build(count).text().encode()) <= bytes_max

    # All of a short list first: it needs no sentence on what is left out.
    if rows <= max(ROWS, least) and (rows <= least or fits(rows)):
        return build(rows)
    known, beyond = least, max(least, 1)
    while beyond < rows and fits(beyond):
        known, beyond = beyond, beyond * 2
    last = beyond if beyond < rows else rows + 1
    more = bisect_left(range(known + 1, last), True, key=lambda count: not fits(count))
    return build(known + more)
