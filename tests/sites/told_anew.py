"""A model over HTTP that hands every text back as it was shown it, with one sentence more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SENTENCE = "This was told anew."
_CURRENT = re.compile(r"<data current-text (\w+)>\n(.*?)\n</data \1>", re.DOTALL)


@contextmanager
def told_anew(sentence: Callable[[], str] = lambda: SENTENCE) -> Generator[str]:
    """Run it on loopback; yield its address, as `model_url` wants it."""

    class Model(_Model):
        def sentence(self) -> str:
            return sentence()

    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


class _Model(BaseHTTPRequestHandler):
    def sentence(self) -> str:
        """Return the sentence more."""
        raise NotImplementedError

    def do_POST(self) -> None:
        """Answer with the text that it was shown."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        call = {"name": "write_section", "arguments": json.dumps(_fields(asked, self.sentence()))}
        message = {"role": "assistant", "content": None}
        message |= {"tool_calls": [{"id": "t1", "type": "function", "function": call}]}
        data = json.dumps(
            {
                "id": "c1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _fields(asked: Mapping[str, Any], sentence: str) -> Mapping[str, str]:
    """Return what the tool is called with: each of its fields, as it was shown."""
    (tool,) = asked["tools"]
    names = list(tool["function"]["parameters"]["properties"])
    said = "\n".join(_text(message["content"]) for message in asked["messages"])
    shown = _CURRENT.findall(said)
    current = shown[-1][1] if shown else ""
    if "text" in names:
        return {"text": f"{current}\n\n{sentence}".strip()}
    return {name: sentence for name in names if name == "title" or f"{name}:" in current}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)
