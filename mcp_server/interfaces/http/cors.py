"""What browsers ask before a page of another origin may call, and need before it may read."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.interfaces.http.checks import AllowedCallers, WebOrigin

METHODS = "GET, POST, DELETE"
EXPOSED = "Mcp-Session-Id, Retry-After, WWW-Authenticate"
"""Headers of an answer that a page may read beside the few that it always may."""
KNOWN_S = 600
"""How long a browser need not ask again; Chromium keeps an answer two hours at most."""
_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]{1,100}(?:, ?[\w!#$%&'*+.^`|~-]{1,100}){0,50}", re.ASCII)
"""A list of header names. A browser sends it, whatever the page wants to send."""


class CrossOrigin:
    """Lets browsers show our answers to pages of the origins that the user has named.

    A browser's first question (the preflight) carries no token: it is answered without one, and
    says nothing but this. Everything else still needs it. Other origins are told nothing, not even
    those of this machine: any program here may serve such a page.
    """

    def __init__(self, app: ASGIApp, named: AllowedCallers) -> None:
        self._app, self._named = app, named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass a request on and add the headers to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        allowed = self._allowed(headers.get("origin"))

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                _mark(MutableHeaders(scope=message), allowed)
            await send(message)

        asked = headers.get("access-control-request-method")
        if allowed is not None and asked is not None and scope["method"] == "OPTIONS":
            await _preflight(headers)(scope, receive, send_marked)
        else:
            await self._app(scope, receive, send_marked)

    def _allowed(self, origin: str | None) -> str | None:
        named = None if origin is None else WebOrigin.parse(origin)
        return origin if named is not None and self._named.allows_origin(named) else None


def _mark(headers: MutableHeaders, allowed: str | None) -> None:
    headers.add_vary_header("Origin")  # a cache must not give one origin's answer to another
    if allowed is not None:
        headers["Access-Control-Allow-Origin"] = allowed
        headers["Access-Control-Expose-Headers"] = EXPOSED


def _preflight(headers: Headers) -> Response:
    wanted = headers.get("access-control-request-headers", "")
    more = {"Access-Control-Allow-Headers": wanted} if _NAMES.fullmatch(wanted) else {}
    age = {"Access-Control-Max-Age": str(KNOWN_S)}
    return Response(
        status_code=204, headers={"Access-Control-Allow-Methods": METHODS, **more, **age}
    )
