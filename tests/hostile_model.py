"""A model server that means harm: it takes a request and sends whatever bytes it likes."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

TOOL = "write_section"
MEGABYTE = 2**20

Script = Callable[[Event], Iterable[bytes]]
"""What is sent on a connection, piece by piece; the event is set when nobody listens any more."""


@dataclass
class Hostile:
    """A server that plays a script to whoever asks it, and keeps what it was sent.

    Each connection gets the next of `scripts`; the last one is played again and again.
    """

    url: str
    scripts: list[Script | bytes]
    requests: list[str] = field(default_factory=list[str])

    def take(self) -> Script | bytes:
        """Return what to play next."""
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]


@contextmanager
def hostile(*scripts: Script | bytes) -> Generator[Hostile]:
    """Run such a server on loopback."""
    over, threads = Event(), list[Thread]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        server = Hostile(url, list(scripts))

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(Thread(target=_play, args=(connection, server, over)))
                threads[-1].start()

        accepting = Thread(target=serve)
        accepting.start()
        try:
            yield server
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def _play(connection: socket.socket, server: Hostile, over: Event) -> None:
    with closing(connection), suppress(OSError):
        connection.settimeout(30)
        server.requests.append(_request(connection))
        script = server.take()
        for piece in [script] if isinstance(script, bytes) else script(over):
            if over.is_set():
                return
            connection.sendall(piece)


def _request(connection: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    [length] = [
        int(n[15:]) for n in head.lower().split(b"\r\n") if n.startswith(b"content-length:")
    ]
    while len(body) < length:
        body += connection.recv(65536)
    return (head + b"\r\n\r\n" + body).decode()


# What it sends


def head(status: int = 200, /, **headers: str) -> bytes:
    """Return the head of an answer, the last on its connection."""
    named = {"content-type": "application/json", "connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Fine", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "\r\n"]).encode()


def answer(body: bytes | str, status: int = 200, /, **headers: str) -> bytes:
    """Return a whole answer."""
    data = body.encode() if isinstance(body, str) else body
    return head(status, content_length=str(len(data)), **headers) + data


def chunked(pieces: Iterable[bytes], status: int = 200, /) -> Iterator[bytes]:
    """Yield an answer in chunks, and its end if there is one."""
    yield head(status, transfer_encoding="chunked")
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def bomb(packing: str, megabytes: int) -> bytes:
    """Return an answer that is small, and so large once it is unpacked."""
    data = b'{"id": "' + b"a" * (megabytes * MEGABYTE) + b'"}'
    for name in packing.split(", "):
        data = zlib.compress(data) if name == "deflate" else gzip.compress(data, 6)
    return answer(data, content_encoding=packing)


def completion(dialect: str, arguments: str, **more: Any) -> str:
    """Return a well-formed answer in which the tool is called with these arguments, in JSON."""
    match dialect:
        case "anthropic":
            call = f'{{"type": "tool_use", "id": "t1", "name": "{TOOL}", "input": {arguments}}}'
            usage = {"input_tokens": 1, "output_tokens": 1}
            rest = {"id": "m1", "type": "message", "role": "assistant", "model": "m"}
            rest |= {"stop_reason": "tool_use", "usage": usage} | more
            return f'{json.dumps(rest)[:-1]}, "content": [{call}]}}'
        case "openai":
            call = {"type": "function_call", "id": "f1", "call_id": "t1", "name": TOOL}
            call |= {"arguments": arguments, "status": "completed"}
            body = {"id": "r1", "object": "response", "created_at": 1, "model": "m"}
            body |= {"output": [call], "status": "completed", "parallel_tool_calls": True}
            return json.dumps(body | {"tool_choice": "auto", "tools": []} | more)
        case _:
            call = {"id": "t1", "type": "function"}
            call |= {"function": {"name": TOOL, "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
            body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
            return json.dumps(body | {"choices": [choice]} | more)
