"""A server that speaks OpenAI's embeddings, and answers what a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

Reply = Callable[[Sequence[str]], tuple[int, str]]
"""Makes status and body of the answer to these texts."""
WIDTH = 8


@dataclass
class Embeddings:
    """The server: what it was asked, and what it replies; the last reply stands for all others."""

    url: str
    replies: list[Reply]
    asked: list[list[str]] = field(default_factory=list[list[str]])
    keys: list[str | None] = field(default_factory=list[str | None])
    over: Event = field(default_factory=Event)
    """Set when the test is over, or at last the hanging ones may go on."""
    retry_after: str | None = None
    lock: Lock = field(default_factory=Lock)

    def take(self) -> Reply:
        """Return the next reply."""
        with self.lock:
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def hang(self, texts: Sequence[str]) -> tuple[int, str]:
        """Answer only once all is over."""
        self.over.wait()
        return good(texts)


def numbers(text: str, width: int = WIDTH) -> list[float]:
    """Return numbers of a text: always the same, and far from those of another."""
    return [byte / 255 - 0.5 for byte in sha256(text.encode()).digest()[:width]]


def rows(vectors: Sequence[object]) -> tuple[int, str]:
    """Return an answer with these vectors."""
    data = [{"index": at, "embedding": each} for at, each in enumerate(vectors)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return 200, json.dumps({"object": "list", "model": "m", "usage": usage, "data": data})


def good(texts: Sequence[str]) -> tuple[int, str]:
    """Return a fitting answer."""
    return rows([numbers(text) for text in texts])


def refuse(status: int, message: str = "no") -> Reply:
    """Return a reply that is an error."""
    return lambda _: (status, json.dumps({"error": {"message": message}}))


@contextmanager
def embeddings(*replies: Reply) -> Generator[Embeddings]:
    """Run such a server on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.asked.append(list(body["input"]))
            server.keys.append(self.headers["authorization"])
            status, text = server.take()(body["input"])
            with suppress(OSError):  # nobody waits any more
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text.encode())))
                if status != 200 and server.retry_after is not None:
                    self.send_header("retry-after", server.retry_after)
                self.end_headers()
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        url = f"http://127.0.0.1:{http.server_address[1]}/v1"
        server = Embeddings(url, list(replies) or [good])
        thread = Thread(target=http.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            http.shutdown()
            thread.join()
