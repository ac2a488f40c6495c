"""The MCP server over streamable HTTP: on loopback only, or with a token and allowed hosts."""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import anyio
import anyio.abc
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.errors import ConfigError
from mcp_server.interfaces.http.bounds import BODY_BYTES_MAX, CallBounds, RequestBounds
from mcp_server.interfaces.http.checks import (
    AllowedCallers,
    BearerToken,
    CallerCheck,
    allowed_callers,
    check_token,
)
from mcp_server.interfaces.http.cors import CrossOrigin
from mcp_server.interfaces.http.events import OpenEvents, event_routes
from mcp_server.interfaces.http.health import HealthCheck, WhyFailing
from mcp_server.interfaces.http.negotiation import Negotiation
from mcp_server.interfaces.http.protocol import ConnectionBounds, bounded_protocol
from mcp_server.interfaces.http.sessions import SessionBounds
from mcp_server.interfaces.mcp.server import PressroomServer
from mcp_server.jobs.job import Origin

MCP_PATH = "/mcp"
METRICS_PATH = "/metrics"
STOP_GRACE_S = 3
"""How long open calls may go on when the server is told to stop."""
BACKLOG = 128
"""Connections that the system holds until we accept them."""
ACCEPTED_AT_ONCE = 16
"""Connections accepted in one turn of the event loop. Each holds a file before we can count it, and
if a process may open 256, a hundred at once would leave none for the database."""

ReadMetrics = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Takes a scraper's Accept header; returns the metrics and their content type."""

logger = structlog.get_logger(__name__)


def http_origin(token: str | None) -> Origin:
    """Return the origin of calls over HTTP: the token's holder; without a token, the local user."""
    if token is None:
        return Origin(owner="local", interface="mcp-http")
    secret = token.encode(errors="surrogateescape")
    # A digest, as the owner is stored, logged and shown, and the token must not be.
    digest = hashlib.blake2b(secret, digest_size=12, person=b"pressroom-owner")
    return Origin(owner=f"token-{digest.hexdigest()}", interface="mcp-http")


def check_bind(host: str, token: str | None, allowed_hosts: Sequence[str]) -> None:
    """Return if it is safe to listen on `host`.

    Raises:
        ConfigError: others can reach it, and the token or the allowed hosts are missing; or the
            token can be in no header, or an allowed host is none.
    """
    if token:
        check_token(token)
    allowed_callers(None, allowed_hosts, ())  # raises if one is no host
    if _is_loopback(host):
        return
    if not token:
        raise ConfigError(
            f"Refusing to listen on {host}: others can reach it, so a token is needed. Set "
            "PRESSROOM_TOKEN, or listen on 127.0.0.1."
        )
    if not allowed_hosts:
        raise ConfigError(
            f"Refusing to listen on {host} without allowed hosts. Name the host that clients "
            "use, such as --allowed-host press.example.org."
        )


def build_http_app(
    server: PressroomServer,
    *,
    host: str,
    metrics: ReadMetrics | None = None,
    events: OpenEvents | None = None,
    token: str | None = None,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
    why_failing: WhyFailing | None = None,
    bounds: CallBounds | None = None,
) -> Starlette:
    """Return the application: `/mcp` with the protocol, `/health` without secrets.

    The latter says what `why_failing` finds.

    With `metrics` there is `/metrics` for Prometheus, and with `events` the routes of
    `event_routes`, behind the same checks as the protocol. A request is refused if its Host or
    Origin is not allowed, if it lacks the token, if its body is too large, or if there are too
    many. An application can be started only once.

    Raises:
        ConfigError: as `check_bind`; or an allowed origin is none.
    """
    check_bind(host, token, allowed_hosts)
    loopback = host if _is_loopback(host) else None
    callers = allowed_callers(loopback, allowed_hosts, allowed_origins)
    bounds = bounds or CallBounds()
    app = server.streamable_http_app(
        streamable_http_path=MCP_PATH,
        host=host,
        max_request_body_size=BODY_BYTES_MAX,
        transport_security=callers.for_library(),
        session_idle_timeout=bounds.session_idle_s,
        max_sessions=bounds.sessions_max + bounds.requests_max,  # ours is reached first
    )
    if metrics is not None:
        app.router.routes.append(Route(METRICS_PATH, _Metrics(metrics), methods=["GET"]))
    if events is not None:
        app.router.routes += event_routes(events)
    # The last one added is asked first: health without any check, then who calls, then how much. So
    # nothing is read of a request whose caller is refused.
    app.add_middleware(SessionBounds, path=MCP_PATH, bounds=bounds)
    app.add_middleware(Negotiation, path=MCP_PATH)
    app.add_middleware(_OneSpelling)
    app.add_middleware(RequestBounds, bounds=bounds)
    if token is not None:
        app.add_middleware(BearerToken, token=token)
    if allowed_origins:
        app.add_middleware(CrossOrigin, named=AllowedCallers((), allowed_origins))
    app.add_middleware(CallerCheck, callers=callers)
    app.add_middleware(HealthCheck, why_failing=why_failing or _never_failing)
    return app


async def serve_http(
    app: Starlette,
    host: str,
    port: int,
    *,
    stopping: anyio.Event,
    bounds: ConnectionBounds | None = None,
    task_status: anyio.abc.TaskStatus[str] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `app` until `stopping` is set, then give open calls `STOP_GRACE_S` to end.

    Once it listens, `task_status` is told the URL. `bounds` limit what clients may take.

    Raises:
        ConfigError: the port is taken, or the address is not ours.
    """
    listener = _listen(host, port)
    with listener:
        url = _url(host, listener)
        logger.info("listening", url=url)
        task_status.started(url)
        config = uvicorn.Config(
            app,
            http=bounded_protocol(bounds or ConnectionBounds()),
            ws="none",
            backlog=ACCEPTED_AT_ONCE,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_GRACE_S,
        )
        server = _Server(config)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.exit_when_told, stopping)
            await server.serve(sockets=[listener])
            tasks.cancel_scope.cancel()


async def _never_failing() -> str | None:
    return None


class _Metrics:
    """Answers scrapes."""

    def __init__(self, read: ReadMetrics) -> None:
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, media_type = await self._read(Headers(scope=scope).get("accept", ""))
        await Response(body, media_type=media_type)(scope, receive, send)


class _OneSpelling:
    """Serves `/mcp/` as `/mcp`. A redirect would go to http:// behind a proxy that ends TLS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            path = scope["path"].rstrip("/") or "/"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to our caller, which has more to end than this server."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then set the system's backlog."""
        await super().startup(sockets)
        # asyncio uses one number for both: how many connections it accepts at once, and how many
        # the system holds. We want few of the one and many of the other.
        for listener in sockets or ():
            listener.listen(BACKLOG)

    async def exit_when_told(self, stopping: anyio.Event) -> None:
        await stopping.wait()
        self.should_exit = True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name; it may point to another address tomorrow
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(_not_listening(host, port, error)) from error


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host.strip('[]')}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}{MCP_PATH}"


def _not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program; choose one with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this user; choose one above 1023 with --port."
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}."
