"""How a test waits: until something is true, for as long as a busy machine may need.

No test waits for a time. One that waited too long fails here, and says for what.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast, overload

import anyio

PATIENCE_S = 120.0
"""How long anything may take on a busy machine; a test that passes never waits for it."""
LOOK_S = 0.02
"""How long at most from one look to the next; the first ones follow each other faster."""

Found = TypeVar("Found")


def wait_until(holds: Callable[[], bool], *, seconds: float = PATIENCE_S) -> None:
    """Wait until another process or thread has made something true.

    Raises:
        TimeoutError: it has not, in time.
    """
    end = time.monotonic() + seconds
    pause_s = LOOK_S / 16
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(_too_long(holds, seconds))
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LOOK_S)


@overload
async def until(
    look: Callable[[], Awaitable[Found]], holds: Callable[[Found], object] = ...
) -> Found: ...
@overload
async def until(look: Callable[[], bool]) -> bool: ...
async def until(look: Callable[[], object], holds: Callable[..., object] = bool) -> object:
    """Look again and again until what is found `holds`; return it. Others run meanwhile.

    Raises:
        TimeoutError: it never held, in time.
    """
    pause_s = LOOK_S / 16
    with anyio.move_on_after(PATIENCE_S):
        while True:
            found = look()
            if isinstance(found, Awaitable):
                found = await cast("Awaitable[object]", found)
            if holds(found):
                return found
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, LOOK_S)
    raise TimeoutError(_too_long(look, PATIENCE_S))


def _too_long(look: Callable[..., object], seconds: float) -> str:
    code = look.__code__ if hasattr(look, "__code__") else None
    where = f" (looked at in line {code.co_firstlineno})" if code else ""
    return f"not true after {seconds:g} s{where}"
