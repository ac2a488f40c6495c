"""A model provider that keeps a bill: a real HTTP server, which speaks Chat Completions."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.prices import Price, price_of
from mcp_server.entities.usage import NANO

MODEL = "openai-chat:gpt-5.2"
"""A model whose price is known. The provider is asked in its place."""
KEY = "sk-only-for-this-test-0123456789"


@dataclass(frozen=True)
class Bill:
    """What one request is charged, and the section that it was for."""

    input_tokens: int
    output_tokens: int
    section: str = ""

    @property
    def cost(self) -> int:
        """In billionths of a dollar."""
        cost = price().of(self)
        assert cost is not None
        return cost


def price() -> Price:
    """Return what the model costs."""
    found = price_of(ModelChoice(name=MODEL), {})
    assert found is not None
    return found


@dataclass
class Provider:
    """Answers each request after a while, and charges for it, also if nobody waits any more.

    `trouble` is the share of requests that do not end well: answers that do not fit, and answers
    that are charged and never arrive. Each bill is different, to be found in the ledger.
    """

    url: str
    seconds: float = 0.0
    trouble: float = 0.0
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    bills: list[Bill] = field(default_factory=list[Bill])
    tokens: int = 2_000
    """About so many are written for each answer."""
    limits: list[int | None] = field(default_factory=list[int | None])
    """How many tokens each request has allowed for its answer."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cost(self) -> int:
        """All that was charged."""
        return sum(bill.cost for bill in self.bills)

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that lead the model's questions here."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": KEY}

    def answer(self, question: Mapping[str, Any], length: int) -> tuple[int, bytes] | None:
        """Return status and body, `None` if the connection is cut; charge what is answered."""
        with self.lock:
            self.limits.append(question.get("max_completion_tokens"))
            fate = self.rng.random() / self.trouble if self.trouble else 2.0
            [section] = re.findall(r"Write the section (\S+)\.", json.dumps(question["messages"]))
            bill = Bill(length // 4, self.tokens + len(self.bills), section)
            self.bills.append(bill)
        time.sleep(self.seconds)
        if fate < 0.5:
            return None
        return 200, _completion(bill, fits=fate >= 1.0)


def _completion(bill: Bill, *, fits: bool) -> bytes:
    fields = {"title": "Note", "text": "A note."} if fits else {"title": "Note"}
    call = {"id": "t1", "type": "function"}
    function = {"name": "write_section", "arguments": json.dumps(fields)}
    message = {"role": "assistant", "content": None, "tool_calls": [call | {"function": function}]}
    usage = {"prompt_tokens": bill.input_tokens, "completion_tokens": bill.output_tokens}
    body = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5.2",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": usage | {"total_tokens": bill.input_tokens + bill.output_tokens},
    }
    return json.dumps(body).encode()


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that were killed while they were answered."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def provider(**traits: Any) -> Generator[Provider]:
    """Run such a provider on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            question: dict[str, Any] = json.loads(self.rfile.read(length))
            answered = made.answer(question, length)
            if answered is None:
                self.close_connection = True
                return
            status, body = answered
            with suppress(OSError):  # whoever asked may have been killed
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    made = Provider(f"http://127.0.0.1:{server.server_address[1]}/v1", **traits)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def usd(nano: int) -> float:
    """Return an amount in dollars."""
    return nano / NANO
