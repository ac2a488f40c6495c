"""One client over stdin and stdout. From `claim_stdout` on, nothing else reaches the wire."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, BinaryIO

import anyio
import anyio.to_thread
from anyio.lowlevel import current_token
from anyio.streams.memory import MemoryObjectReceiveStream

if TYPE_CHECKING:
    from mcp_server.interfaces.mcp.server import PressroomServer

STDIN, STDOUT, STDERR = 0, 1, 2
PARENT_CHECK_S = 1.0
"""How often to look whether our parent lives: another process may keep its end of the pipe open."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The protocol's own copies of stdin and stdout; no `print` and no child process uses them."""

    input: BinaryIO
    output: BinaryIO


@cache  # a process has one stdin and one stdout, so there is one claim
def claim_stdout() -> Wire:
    """Reserve stdin and stdout for the protocol; everything else that is printed goes to stderr.

    Call it before anything heavy is imported, as an import may print. Every call returns the same
    wire.
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
    server: PressroomServer,
    wire: Wire | None = None,
    *,
    stopping: anyio.Event | None = None,
    listed: anyio.Event | None = None,
) -> None:
    """Serve until the client disconnects, `stopping` is set or our parent process is gone.

    `listed` is set once the client has the list of tools.
    """
    from mcp_server.interfaces.mcp.conversation import Conversation  # noqa: PLC0415 - half a second

    wire = wire or claim_stdout()
    conversation = Conversation(partial(_write, wire.output), listed or anyio.Event())
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_with_parent, group.cancel_scope)
        if stopping is not None:
            group.start_soon(_stop_when_told, group.cancel_scope, stopping)
        with _lines(wire.input) as lines:
            await conversation.hold(server, lines)
        group.cancel_scope.cancel()


async def _stop_with_parent(scope: anyio.CancelScope) -> None:
    """Cancel `scope` when the parent process is gone.

    On POSIX an orphan gets another parent. On Windows the id stays; there, the end of stdin tells.
    """
    parent = os.getppid()
    while os.getppid() == parent:
        await anyio.sleep(PARENT_CHECK_S)
    scope.cancel()


async def _stop_when_told(scope: anyio.CancelScope, stopping: anyio.Event) -> None:
    await stopping.wait()
    scope.cancel()


async def _write(output: BinaryIO, line: bytes) -> None:
    if _takes_at_once(output, line):
        _write_now(output, line)
    else:
        await anyio.to_thread.run_sync(_write_now, output, line)


def _takes_at_once(output: BinaryIO, line: bytes) -> bool:
    """Whether writing this cannot block, so that it needs no thread, which takes longer."""
    if sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(output.fileno()).st_mode):
        return False  # of a pipe alone it is known how much it takes when it takes anything
    _, ready, _ = select.select([], [output], [], 0)
    return bool(ready) and len(line) <= select.PIPE_BUF


def _write_now(output: BinaryIO, line: bytes) -> None:
    output.write(line)
    output.flush()


@contextmanager
def _lines(source: BinaryIO) -> Generator[MemoryObjectReceiveStream[bytes]]:
    """Yield the lines of `source` as a stream. Of a line that is too long, the rest is dropped.

    They are read in a daemon thread, so that a read which never returns can hold up neither a
    cancellation nor the end of the process.
    """
    send, receive = anyio.create_memory_object_stream[bytes](0)
    token = current_token()

    async def pass_on(line: bytes) -> None:
        await send.send(line)

    def read() -> None:
        # The reader of the stream may be gone, or the whole event loop: nobody needs the rest then.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError):
            for line in _bounded(source):
                anyio.from_thread.run(pass_on, line, token=token)
        with suppress(RuntimeError):
            anyio.from_thread.run_sync(send.close, token=token)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    with receive:
        yield receive


def _bounded(source: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of `source`; an endless one once it is longer than a message may be."""
    from mcp_server.interfaces.mcp.messages import LINE_BYTES_MAX  # noqa: PLC0415 - late, as above

    while line := source.readline(LINE_BYTES_MAX + 1):
        yield line
        while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
            line = source.readline(LINE_BYTES_MAX + 1)
