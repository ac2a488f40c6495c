"""`/health`: for whoever watches the server from outside, open to everybody and without secrets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.errors import ServerError, StorageError
from mcp_server.interfaces.services import ServicesProvider

HEALTH_PATH = "/health"
STANDS_S = 1.0
"""How long what was found is answered again: nobody's questions can keep the database busy."""
LOOK_S = 5.0
"""How long a look may take; those who watch wait ten seconds and more."""

WhyFailing = Callable[[], Awaitable[str | None]]
"""Returns why nothing goes on, `None` if it does."""


async def why_failing(provider: ServicesProvider) -> str | None:
    """Return in a few words why nothing goes on here, `None` if it does."""
    try:
        with anyio.fail_after(LOOK_S):
            services = await provider.services()
            return await services.worker_health.why_failing()
    except TimeoutError:
        return "the database does not answer"
    except StorageError:
        return "the database cannot be read"
    except (ServerError, OSError):
        return "the workspace cannot be opened"


class HealthCheck:
    """Answers `/health` without any check of the caller, and passes everything else on."""

    def __init__(self, app: ASGIApp, why_failing: WhyFailing) -> None:
        self._app, self._why_failing = app, why_failing
        self._looking = anyio.Lock()
        self._found: tuple[float, str | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, or 503 with the reason."""
        app = self._app
        if scope["type"] == "http" and scope["path"] == HEALTH_PATH:
            asked = scope["method"] in {"GET", "HEAD"}
            app = _answer(await self._look()) if asked else _get_only()
        await app(scope, receive, send)

    async def _look(self) -> str | None:
        async with self._looking:  # whoever asks meanwhile waits for that look, and shares it
            if self._found is None or anyio.current_time() >= self._found[0] + STANDS_S:
                why = await self._why_failing()
                self._found = (anyio.current_time(), why)
            return self._found[1]


def _answer(why: str | None) -> Response:
    if why is None:
        return JSONResponse({"status": "ok"})
    return JSONResponse({"status": "failing", "reason": why}, 503)


def _get_only() -> Response:
    return PlainTextResponse("Method Not Allowed", 405, headers={"Allow": "GET, HEAD"})
