"""One client over stdin and stdout. From `claim_stdout` on, nothing else reaches the wire."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, cast

import anyio
from anyio.lowlevel import current_token
from anyio.streams.memory import MemoryObjectReceiveStream

if TYPE_CHECKING:
    from mcp_server.interfaces.mcp.server import PressroomServer

STDIN, STDOUT, STDERR = 0, 1, 2
PARENT_CHECK_S = 1.0
"""How often we look whether our parent is still there; its pipe may outlive it elsewhere."""
ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL
)
"""An escape in JSON: a pair of surrogates, a half of one without its other, or any other."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The protocol's own ends of stdin and stdout, which no child and no `print` can reach."""

    input: BinaryIO
    output: BinaryIO


@cache  # a process has one stdin and one stdout, so there is one claim
def claim_stdout() -> Wire:
    """Keep stdin and stdout for the protocol; from now on prints and children go to stderr.

    To be called before anything heavy is imported. Every call returns the same wire.
    """
    wire = Wire(os.fdopen(os.dup(STDIN), "rb"), os.fdopen(os.dup(STDOUT), "wb"))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, STDIN)
    try:
        os.dup2(STDERR, STDOUT)
    except OSError:  # some launchers give no stderr
        os.dup2(nothing, STDOUT)
    os.close(nothing)
    return wire


async def serve_stdio(
    server: PressroomServer, wire: Wire | None = None, *, stopping: anyio.Event | None = None
) -> None:
    """Serve until the client hangs up, `stopping` is set or the process that started us is gone."""
    wire = wire or claim_stdout()
    output = io.TextIOWrapper(wire.output, encoding="utf-8", newline="\n")
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_with_parent, group.cancel_scope)
        if stopping is not None:
            group.start_soon(_stop_when_told, group.cancel_scope, stopping)
        with _lines(wire.input) as lines:
            # The library only iterates over stdin, which is all that a stream of lines can.
            source = cast("anyio.AsyncFile[str]", lines)
            await server.serve(source, anyio.wrap_file(output))
        group.cancel_scope.cancel()


async def _stop_with_parent(scope: anyio.CancelScope) -> None:
    """Cancel `scope` when the parent process is gone (Windows never says so; there EOF does)."""
    parent = os.getppid()
    while os.getppid() == parent:
        await anyio.sleep(PARENT_CHECK_S)
    scope.cancel()


async def _stop_when_told(scope: anyio.CancelScope, stopping: anyio.Event) -> None:
    await stopping.wait()
    scope.cancel()


def _without_halves(line: str) -> str:
    """Return a message with half characters replaced, such as an emoji that was cut in two.

    The library reads no message that holds one, and whoever sent it would wait for good.
    """
    return ESCAPE.sub(lambda found: r"\ufffd" if found["half"] else found[0], line)


@contextmanager
def _lines(source: BinaryIO) -> Generator[MemoryObjectReceiveStream[str]]:
    """Yield the lines of `source` as a stream.

    They are read by a daemon thread: a read that blocks for good neither holds up a cancellation
    nor the end of the process.
    """
    send, receive = anyio.create_memory_object_stream[str](0)
    token = current_token()

    async def pass_on(line: str) -> None:
        await send.send(line)

    def read() -> None:
        # Whoever listened may be gone, and so may the loop: then the rest interests nobody.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError):
            for line in source:
                text = _without_halves(line.decode(errors="replace"))
                anyio.from_thread.run(pass_on, text, token=token)
        with suppress(RuntimeError):
            anyio.from_thread.run_sync(send.close, token=token)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    with receive:
        yield receive
