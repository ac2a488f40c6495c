"""Who may talk to the HTTP server, and from where."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mcp_server.errors import ConfigError, Unavailable
from mcp_server.interfaces.http.app import build_http_app, check_bind, http_origin, serve_http
from mcp_server.interfaces.http.health import WhyFailing
from mcp_server.interfaces.http.protocol import ConnectionBounds
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.interfaces.services import Services
from tests.sockets import connected, head, listening, rest

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


class NoWorkspace:
    """A server that was started outside any workspace."""

    async def services(self) -> Services:
        """Raise what a user is told then."""
        raise Unavailable("There is no workspace here.")


@asynccontextmanager
async def served(
    *,
    token: str | None = None,
    host: str = "127.0.0.1",
    base: str = "http://127.0.0.1:8765",
    allowed_hosts: tuple[str, ...] = (),
    allowed_origins: tuple[str, ...] = (),
    why_failing: WhyFailing | None = None,
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the running application."""
    server = build_server(NoWorkspace(), version="0.0.0", origin=http_origin(token))
    app = build_http_app(
        server,
        host=host,
        why_failing=why_failing,
        token=token,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
    )
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=base, headers=ACCEPT) as client,
    ):
        yield client


async def status(client: httpx.AsyncClient, **headers: str) -> int:
    """The status code of an `initialize`."""
    return (await client.post("/mcp", json=INITIALIZE, headers=headers)).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.0.0.53"])
def test_loopback_needs_nothing(host: str) -> None:
    """Only this machine can reach it."""
    check_bind(host, None, ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.7", "press.example.org"])
def test_every_other_address_needs_a_token_and_allowed_hosts(host: str) -> None:
    """Both, and the refusal says which is missing."""
    with pytest.raises(ConfigError, match="token"):
        check_bind(host, None, ("press.example.org",))
    with pytest.raises(ConfigError, match="token"):
        check_bind(host, "", ("press.example.org",))
    with pytest.raises(ConfigError, match="allowed hosts"):
        check_bind(host, "secret", ())
    check_bind(host, "secret", ("press.example.org",))


def test_a_host_that_is_none_is_refused_before_listening() -> None:
    """With what to write instead."""
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(ConfigError, match="'https://press' is no host that can be allowed"):
            check_bind(host, "secret", ("https://press",))


def test_the_application_is_not_even_built_for_an_open_address() -> None:
    """Whoever builds it need not remember to check."""
    server = build_server(NoWorkspace(), version="0.0.0", origin=http_origin(None))
    with pytest.raises(ConfigError):
        build_http_app(server, host="0.0.0.0")


def test_the_owner_is_local_or_the_tokens_but_not_the_token() -> None:
    """Batches belong to whoever has the token; the token itself is stored nowhere."""
    assert http_origin(None).owner == "local"
    assert http_origin("a").owner == http_origin("a").owner
    assert http_origin("a").owner != http_origin("b").owner
    assert "secret" not in http_origin("secret").owner


@pytest.mark.anyio
async def test_a_request_from_this_machine_is_served() -> None:
    """Without a token, by any name of the loopback address, from its own pages too."""
    async with served() as client:
        assert await status(client) == 200
        assert await status(client, Host="localhost:8765") == 200
        assert await status(client, Origin="http://localhost:3000") == 200


@pytest.mark.anyio
async def test_a_foreign_host_or_origin_is_refused() -> None:
    """A page in the user's browser must not reach us by a name of its own."""
    async with served() as client:
        assert await status(client, Host="evil.example") == 421
        assert await status(client, Origin="https://evil.example") == 403


@pytest.mark.anyio
async def test_a_named_host_is_checked_on_an_open_address_too() -> None:
    """Where the library alone would check nothing."""
    async with served(
        host="0.0.0.0",
        token="secret",
        base="http://press.example.org",
        allowed_hosts=("press.example.org",),
        allowed_origins=("https://press.example.org",),
    ) as client:
        bearer = {"Authorization": "Bearer secret"}
        assert await status(client, **bearer) == 200
        assert await status(client, **bearer, Origin="https://press.example.org") == 200
        assert await status(client, **bearer, Origin="https://evil.example") == 403
        assert await status(client, **bearer, Host="127.0.0.1") == 421


@pytest.mark.anyio
async def test_a_host_that_is_named_with_its_port_is_allowed_with_that_port() -> None:
    """Whatever its spelling; what is behind the check reads the same host as the check."""
    async with served(
        host="0.0.0.0", token="secret", allowed_hosts=("press.example.org:8443", "[2001:db8::7]")
    ) as client:
        bearer = {"Authorization": "Bearer secret"}
        for host in ("press.example.org:8443", "Press.Example.ORG:8443", "[2001:DB8:0::7]:1"):
            assert await status(client, **bearer, Host=host) == 200
        for host in ("press.example.org", "press.example.org:8444", "press.example.org:844"):
            assert await status(client, **bearer, Host=host) == 421


@pytest.mark.parametrize("token", ["a\nb", "a\r\nb", "a\0b", "\ufeffabc", "a\u200bb", "a\x7f"])
def test_a_token_that_no_client_can_send_is_refused_before_listening(token: str) -> None:
    """On any address. What stands around it, a file's last line end say, was taken off before."""
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(ConfigError, match="invisible character, which no client can send"):
            check_bind(host, token, ("press.example.org",))


@pytest.mark.anyio
async def test_a_token_may_hold_any_character_that_can_be_seen() -> None:
    """Clients send it as they have it: in UTF-8."""
    async with served(token="sécret") as client:
        for sent, wanted in (("sécret".encode(), 200), ("sécret".encode("latin-1"), 401)):
            given = [(b"Authorization", b"Bearer " + sent)]
            reply = await client.post("/mcp", json=INITIALIZE, headers=given)
            assert reply.status_code == wanted


@pytest.mark.anyio
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer sécret"]
)
async def test_without_the_token_there_is_only_a_challenge(authorization: str) -> None:
    """Whatever is wrong about it."""
    async with served(token="secret") as client:
        given = [(b"Authorization", authorization.encode())] if authorization else []
        reply = await client.post("/mcp", json=INITIALIZE, headers=given)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert "secret" not in reply.text


@pytest.mark.anyio
async def test_health_is_open_and_tells_nothing() -> None:
    """Something outside watches whether we live."""
    async with served(token="secret") as client:
        reply = await client.get("/health")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


@pytest.mark.anyio
async def test_health_looks_once_for_all_who_ask_at_once() -> None:
    """It needs no token, so nobody's questions may keep the database busy."""
    looks = 0

    async def look() -> str | None:
        nonlocal looks
        looks += 1
        await anyio.lowlevel.checkpoint()
        return "the disk is gone"

    async with served(token="secret", why_failing=look) as client:

        async def ask() -> None:
            reply = await client.get("/health")
            assert reply.status_code == 503
            assert reply.json() == {"status": "failing", "reason": "the disk is gone"}

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask)
    assert looks == 1


@pytest.mark.anyio
async def test_a_body_that_is_too_large_is_refused() -> None:
    """Before it is read."""
    async with served() as client:
        reply = await client.post("/mcp", content=b" " * 1_100_000)
    assert reply.status_code == 413


@pytest.mark.anyio
async def test_a_taken_port_is_one_clear_line() -> None:
    """It names the way out."""
    server = build_server(NoWorkspace(), version="0.0.0", origin=http_origin(None))
    app = build_http_app(server, host="127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Port {port} on 127.0.0.1 is taken.*--port"):
            await serve_http(app, "127.0.0.1", port, stopping=anyio.Event())


class Delay:
    """An application that answers with whether the system holds back the end of its answers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the connection itself, which uvicorn's `receive` belongs to."""
        cycle = getattr(receive, "__self__")  # noqa: B009 - no attribute of the type
        accepted = cycle.transport.get_extra_info("socket")
        at_once = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await PlainTextResponse("at once" if at_once else "held back")(scope, receive, send)


@pytest.mark.anyio
@pytest.mark.skipif(not socket.has_ipv6, reason="there is one address only")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_system_holds_no_part_of_an_answer_back(host: str) -> None:
    """Otherwise each answer waits 40 ms for the client's system to say that its head has come."""
    app = Starlette(routes=[Route("/delay", Delay())])
    async with (
        listening(app, ConnectionBounds(), host=host) as url,
        connected(url, sending=head("GET /delay")) as stream,
    ):
        assert (await rest(stream)).endswith(b"at once")
