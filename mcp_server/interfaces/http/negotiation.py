"""Answers in the form that a client accepts: the library insists on clients that accept both.

A client of the protocol says that it accepts JSON and event streams, and gets what the call needs.
Others say less, or nothing, though nothing of what they do streams.
"""

from __future__ import annotations

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON = "application/json"
STREAM = "text/event-stream"
LISTEN = "subscriptions/listen"
"""The one method whose answer is nothing but a stream."""


def accepted(header: str | None) -> tuple[bool, bool]:
    """Whether an Accept header takes JSON, and event streams; without one, anything goes."""
    if header is None or not header.strip():
        return True, True
    taken = {name for each in header.lower().split(",") if (name := _taken(each))}
    return (
        not taken.isdisjoint({JSON, "application/*", "*/*"}),
        not taken.isdisjoint({STREAM, "text/*", "*/*"}),
    )


def _taken(media_range: str) -> str | None:
    """Return the media type of one part of the header, `None` if its `q=0` refuses it."""
    name, *parameters = (part.strip() for part in media_range.split(";"))
    weights = [value for each in parameters if (value := each.removeprefix("q=")) != each]
    return None if any(not weight.strip("0.") for weight in weights) else name


class Negotiation:
    """Serves POST requests to `path` whose client accepts only one of the two forms.

    Who accepts only JSON gets the answer as soon as it is there, without the progress before it.
    """

    def __init__(self, app: ASGIApp, *, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as one that accepts both, and its answer in the form it accepts."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        of_json, of_stream = accepted(headers.get("accept"))
        if scope["method"] == "POST" and of_stream and not of_json:
            await self._app(_accepting_both(scope), receive, _AsStream(send).send)
        elif scope["method"] == "POST" and of_json and not of_stream:
            if headers.get("mcp-method") != LISTEN:  # else the library refuses it
                scope, send = _accepting_both(scope), _AsJson(send).send
            await self._app(scope, receive, send)
        else:
            await self._app(_accepting_both(scope) if of_stream else scope, receive, send)


class _AsJson:
    """Sends the one response that an event stream holds, as JSON; other answers as they are."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._rest = b""
        self._response: bytes | None = None

    async def send(self, message: Message) -> None:
        """Hold a stream back, line by line, until its response has come."""
        if message["type"] == "http.response.start" and _is_stream(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            *lines, self._rest = (self._rest + message.get("body", b"")).split(b"\n")
            for line in lines:
                self._take(line)
            if not message.get("more_body", False):
                await self._finish(self._start)

    def _take(self, line: bytes) -> None:
        data = line.removeprefix(b"data:").strip()
        if data and line.startswith(b"data:") and "method" not in json.loads(data):
            self._response = data

    async def _finish(self, start: Message) -> None:
        body = self._response or _CUT_OFF
        headers = MutableHeaders(scope={**start, "headers": [*start["headers"]]})
        headers["content-type"] = JSON
        headers["content-length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


class _AsStream:
    """Sends a JSON answer as the one event of a stream. Errors of HTTP stay as they are."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._wraps = False

    async def send(self, message: Message) -> None:
        """Put an event around the body, which comes in one piece."""
        if message["type"] == "http.response.start":
            self._wraps = message["status"] == 200 and not _is_stream(message)
            if self._wraps:
                headers = MutableHeaders(scope={**message, "headers": [*message["headers"]]})
                headers["content-type"] = STREAM
                del headers["content-length"]
                message = {**message, "headers": headers.raw}
        elif self._wraps and message["type"] == "http.response.body":
            event = b"event: message\r\ndata: " + message.get("body", b"") + b"\r\n\r\n"
            message = {**message, "body": event}
        await self._send(message)


def _accepting_both(scope: Scope) -> Scope:
    others = [(name, value) for name, value in scope["headers"] if name != b"accept"]
    return {**scope, "headers": [*others, (b"accept", f"{JSON}, {STREAM}".encode())]}


def _is_stream(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith(STREAM)


_CUT_OFF = (
    b'{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"The answer was cut off: the '
    b'session has ended. What was queued goes on; open a session and ask for its status."}}'
)
"""Sent where a stream ends without its response."""
