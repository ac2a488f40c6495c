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
"""How often to look whether our parent lives: another process may keep its end of the pipe open."""
ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|.)", re.DOTALL
)
"""An escape in JSON: a pair of surrogates, a lone surrogate (`half`), or any other. Pairs are tried
first, and an escaped backslash is an escape, so that neither is mistaken for a half."""


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
    server: PressroomServer, wire: Wire | None = None, *, stopping: anyio.Event | None = None
) -> None:
    """Serve until the client disconnects, `stopping` is set or our parent process is gone."""
    wire = wire or claim_stdout()
    output = io.TextIOWrapper(wire.output, encoding="utf-8", newline="\n")
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_with_parent, group.cancel_scope)
        if stopping is not None:
            group.start_soon(_stop_when_told, group.cancel_scope, stopping)
        with _lines(wire.input) as lines:
            # The library only iterates over stdin, and a stream of lines can be iterated over.
            source = cast("anyio.AsyncFile[str]", lines)
            await server.serve(source, anyio.wrap_file(output))
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


def _without_halves(line: str) -> str:
    """Return a message with lone surrogates replaced, such as of an emoji that was cut in two.

    The library drops a message that holds one, and its sender would wait for an answer for ever.
    """
    return ESCAPE.sub(lambda found: r"\ufffd" if found["half"] else found[0], line)


@contextmanager
def _lines(source: BinaryIO) -> Generator[MemoryObjectReceiveStream[str]]:
    """Yield the lines of `source` as a stream.

    They are read in a daemon thread, so that a read which never returns can hold up neither a
    cancellation nor the end of the process.
    """
    send, receive = anyio.create_memory_object_stream[str](0)
    token = current_token()

    async def pass_on(line: str) -> None:
        await send.send(line)

    def read() -> None:
        # The reader of the stream may be gone, or the whole event loop: nobody needs the rest then.
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, RuntimeError):
            for line in source:
                text = _without_halves(line.decode(errors="replace"))
                anyio.from_thread.run(pass_on, text, token=token)
        with suppress(RuntimeError):
            anyio.from_thread.run_sync(send.close, token=token)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    with receive:
        yield receive
