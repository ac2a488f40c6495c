"""The same server over streamable HTTP: loopback, or a token and named hosts."""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import anyio
import structlog
import uvicorn
from mcp.server.transport_security import (
    TransportSecurityMiddleware,
    TransportSecuritySettings,
)
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_server.errors import ConfigError
from mcp_server.interfaces.event_routes import OpenEvents, event_routes
from mcp_server.interfaces.mcp.server import PressroomServer
from mcp_server.jobs.job import Origin

MCP_PATH = "/mcp"
HEALTH_PATH = "/health"
METRICS_PATH = "/metrics"
BODY_BYTES_MAX = 1024 * 1024
"""Of a request: the longest instructions and a thousand section ids fit ten times over."""
STOP_GRACE_S = 3
"""How long open calls may go on when the server is told to stop."""
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

ReadMetrics = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Takes what a scraper accepts; returns the metrics, and the name of their format."""

logger = structlog.get_logger(__name__)


def http_origin(token: str | None) -> Origin:
    """Return who calls over HTTP: whoever has the token, or without one this machine's user."""
    if token is None:
        return Origin(owner="local", interface="mcp-http")
    digest = hashlib.blake2b(token.encode(), digest_size=12, person=b"pressroom-owner")
    return Origin(owner=f"token-{digest.hexdigest()}", interface="mcp-http")


def check_bind(host: str, token: str | None, allowed_hosts: Sequence[str]) -> None:
    """Return if it is safe to listen on `host`.

    Raises:
        ConfigError: others can reach it, and token or allowed hosts are missing.
    """
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
) -> Starlette:
    """Return the application: `/mcp` with the protocol, `/health` without secrets.

    With `metrics` there is `/metrics` too, for Prometheus, and with `events` the routes of
    `event_routes`: behind the same checks as the protocol.
    Requests are refused whose Host or Origin is not allowed, whose body is too large, or which
    lack the token. An application can be started once.

    Raises:
        ConfigError: as `check_bind`.
    """
    check_bind(host, token, allowed_hosts)
    security = _security(host, allowed_hosts, allowed_origins)
    app = server.streamable_http_app(
        streamable_http_path=MCP_PATH,
        host=host,
        max_request_body_size=BODY_BYTES_MAX,
        transport_security=security,
    )
    app.router.routes.append(Route(HEALTH_PATH, _health, methods=["GET"]))
    if metrics is not None:
        route = Route(METRICS_PATH, _Metrics(metrics, security), methods=["GET"])
        app.router.routes.append(route)
    if events is not None:
        app.router.routes += event_routes(events, security)
    if token is not None:
        app.add_middleware(BearerToken, token=token)
    return app


async def serve_http(app: Starlette, host: str, port: int, *, stopping: anyio.Event) -> None:
    """Serve `app` until `stopping` is set, then let open calls end for a while.

    Raises:
        ConfigError: the port is taken, or the address is not ours.
    """
    listener = _listen(host, port)
    with listener:
        logger.info("listening", url=_url(host, listener))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=STOP_GRACE_S
        )
        server = _Server(config)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.exit_when_told, stopping)
            await server.serve(sockets=[listener])
            tasks.cancel_scope.cancel()


class _Metrics:
    """Answers scrapes from the hosts and origins that may call the tools."""

    def __init__(self, read: ReadMetrics, security: TransportSecuritySettings) -> None:
        self._read = read
        self._security = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await self._security.validate_request(request)
        if answer is None:
            body, media_type = await self._read(request.headers.get("accept", ""))
            answer = Response(body, media_type=media_type)
        await answer(scope, receive, send)


class BearerToken:
    """Lets through only requests that carry the token, and the question whether we are healthy."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = _hash(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] == HEALTH_PATH or self._allows(scope):
            await self._app(scope, receive, send)
            return
        challenge = {"WWW-Authenticate": 'Bearer realm="pressroom"'}
        refusal = PlainTextResponse("A bearer token is needed.", 401, headers=challenge)
        await refusal(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        # Hashes of equal length: neither the time nor the length of the token shows.
        matches = secrets.compare_digest(_hash(token.strip()), self._expected)
        return scheme.lower() == "bearer" and matches


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to our caller, who has more to end than us."""
        yield

    async def exit_when_told(self, stopping: anyio.Event) -> None:
        await stopping.wait()
        self.should_exit = True


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def _security(
    host: str, allowed_hosts: Sequence[str], allowed_origins: Sequence[str]
) -> TransportSecuritySettings:
    """Host and Origin checks, stated: left to itself the library drops them for other hosts."""
    names = [*(LOOPBACK_NAMES if _is_loopback(host) else ()), *allowed_hosts]
    local = [f"http://{name}" for name in LOOPBACK_NAMES] if _is_loopback(host) else []
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[pattern for name in names for pattern in (name, f"{name}:*")],
        allowed_origins=[
            *(pattern for origin in local for pattern in (origin, f"{origin}:*")),
            *allowed_origins,
        ],
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name: whatever it stands for today, it may stand for another tomorrow
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=128)
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


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
