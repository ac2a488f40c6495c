"""Progress over plain HTTP: events as lines of JSON, or as server-sent events.

GET /events                 every operation of the caller's, from now on, until the client leaves
GET /batches/{id}/events    one batch, until its round has ended
GET /jobs/{id}/events       one job, in a batch or not, until it has ended

A client that accepts `text/event-stream` gets events named `job-progress`; any other client gets
`application/x-ndjson`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import lru_cache

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mcp_server.errors import NotFound, ServerError
from mcp_server.progress.event import ProgressEvent

EVENT_NAME = "job-progress"
PING_S = 15
"""How often a stream without events sends a ping: proxies close connections that stay silent."""
NOT_STORED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Headers that keep proxies from caching the stream, and from holding lines back to gather more."""

TEXTS_KEPT = 64
"""A thousand clients are sent the same event, one after the other."""

OpenEvents = Callable[[str | None], Awaitable[AsyncIterator[ProgressEvent]]]
"""Takes the id of a batch or a job, or `None` for all; returns its progress events."""


def event_routes(open_events: OpenEvents) -> list[Route]:
    """Return the routes; an error of `open_events` is answered with its message."""
    endpoint = _Events(open_events)
    paths = ("/events", "/batches/{id}/events", "/jobs/{id}/events")
    return [Route(path, endpoint, methods=["GET"]) for path in paths]


class _Events:
    """Streams the events from now on."""

    def __init__(self, open_events: OpenEvents) -> None:
        self._open = open_events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            events = await self._open(request.path_params.get("id"))
        except NotFound as error:
            return JSONResponse({"error": str(error)}, 404)
        except ServerError as error:
            return JSONResponse({"error": str(error)}, 503)
        if "text/event-stream" in request.headers.get("accept", ""):
            return EventSourceResponse(_sent(events), headers=NOT_STORED, ping=PING_S)
        return StreamingResponse(
            _lines(events), media_type="application/x-ndjson", headers=NOT_STORED
        )


async def _lines(events: AsyncIterator[ProgressEvent]) -> AsyncGenerator[bytes]:
    async for event in events:
        yield _line(event)


async def _sent(events: AsyncIterator[ProgressEvent]) -> AsyncGenerator[ServerSentEvent]:
    async for event in events:
        yield ServerSentEvent(_text(event), event=EVENT_NAME)


@lru_cache(maxsize=TEXTS_KEPT)
def _line(event: ProgressEvent) -> bytes:
    return f"{_text(event)}\n".encode()


@lru_cache(maxsize=TEXTS_KEPT)
def _text(event: ProgressEvent) -> str:
    return json.dumps(event.as_json(), ensure_ascii=False, separators=(",", ":"))
