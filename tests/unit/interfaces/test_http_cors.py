"""What browsers are told about pages of other origins."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.interfaces.test_http import INITIALIZE, served

pytestmark = pytest.mark.anyio

APP = "https://app.example.org"
WANTED = "authorization,content-type,mcp-protocol-version,mcp-session-id"
MARKS = ("access-control-allow-origin", "access-control-expose-headers", "vary")


async def preflight(
    client: httpx.AsyncClient, origin: str = APP, wanted: str = WANTED, **headers: str
) -> httpx.Response:
    """Ask as a browser does before it sends what a page wants to send."""
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
    return await client.options("/mcp", headers={"Origin": origin, **asked, **headers})


async def test_a_page_of_a_named_origin_may_call_and_read() -> None:
    """The browser asks first, without the token; the call itself needs it."""
    async with served(token="secret", allowed_origins=(APP,)) as client:
        asked = await preflight(client)
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == APP
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert asked.headers["access-control-allow-headers"] == WANTED
        page = {"Origin": APP}
        refused = await client.post("/mcp", json=INITIALIZE, headers=page)
        assert refused.status_code == 401
        bearer = {"Authorization": "Bearer secret"}
        called = await client.post("/mcp", json=INITIALIZE, headers={**page, **bearer})
        assert called.status_code == 200
        for reply in (refused, called):  # a page that may not read the 401 cannot tell why
            assert reply.headers["access-control-allow-origin"] == APP
            exposed = reply.headers["access-control-expose-headers"]
            assert {"Mcp-Session-Id", "WWW-Authenticate", "Retry-After"} <= {*exposed.split(", ")}
            assert "Origin" in reply.headers["vary"]


async def test_an_origin_may_be_named_with_any_port() -> None:
    """And is answered as the browser spells it."""
    async with served(allowed_origins=("http://localhost:*",)) as client:
        reply = await preflight(client, "http://localhost:6274")
        assert reply.headers["access-control-allow-origin"] == "http://localhost:6274"


async def test_nothing_is_said_to_other_origins() -> None:
    """Not to those of this machine either, which could call without a browser's leave before."""
    async with served(allowed_origins=(APP,)) as client:
        foreign = await preflight(client, "https://evil.example")
        assert foreign.status_code == 403
        local = await preflight(client, "http://localhost:3000")
        assert local.status_code == 405
        called = await client.post(
            "/mcp", json=INITIALIZE, headers={"Origin": "http://localhost:3000"}
        )
        for reply in (foreign, local, called):
            assert not [name for name in reply.headers if name.startswith("access-control")]


async def test_without_named_origins_nothing_changes() -> None:
    """No header is added."""
    async with served() as client:
        asked = await preflight(client, "http://localhost:3000")
        called = await client.post(
            "/mcp", json=INITIALIZE, headers={"Origin": "http://localhost:3000"}
        )
    assert (asked.status_code, called.status_code) == (405, 200)
    assert not {*MARKS} & {*asked.headers, *called.headers}


async def test_a_preflight_by_a_foreign_host_is_refused() -> None:
    """The check of the host stands before it, so a name that was pointed here learns nothing."""
    async with served(allowed_origins=(APP,)) as client:
        reply = await preflight(client, Host="evil.example")
    assert reply.status_code == 421
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("wanted", ["x y", "a" * 200, "<b>", ",".join(["x"] * 99)])
async def test_only_names_of_headers_are_repeated(wanted: str) -> None:
    """Nothing else that came goes back."""
    async with served(allowed_origins=(APP,)) as client:
        reply = await preflight(client, wanted=wanted)
    assert reply.status_code == 204
    assert "access-control-allow-headers" not in reply.headers


async def test_options_that_are_no_preflight_still_need_the_token() -> None:
    """They ask nothing that a browser asks."""
    async with served(token="secret", allowed_origins=(APP,)) as client:
        assert (await client.options("/mcp", headers={"Origin": APP})).status_code == 401
