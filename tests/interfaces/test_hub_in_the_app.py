"""The hub inside a server: it tells who subscribed, keeps nobody who has gone, hurts nothing."""

from __future__ import annotations

import gc
import json
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from mcp import MCPError

from mcp_server.app import Application
from mcp_server.interfaces.http.app import MCP_PATH, build_http_app, http_origin, serve_http
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.hub.subscription import Snapshot, Subscription
from mcp_server.jobs.job import Batch, BatchState
from tests.harness import Desk, Era, desk, small_site
from tests.waiting import PATIENCE_S, until
from tests.wire import ERAS, MODERN, alter, over_http

pytestmark = pytest.mark.anyio

OWNER = "local"
DAMAGE = "UPDATE batches SET details = '{' WHERE batch_id = ?"
CHANGE = """
UPDATE rounds SET change = (SELECT value FROM counters WHERE name = 'change')
WHERE batch = (SELECT id FROM batches WHERE batch_id = ?)
"""
"""Gives the round the newest change number, so that subscribers are told of its batch."""


def site(root: Path, *, delay_s: float = 0.1) -> Path:
    """Make a site of four sections; the model takes its time, and at the end nobody waits."""
    quick = {"synchronous": "NORMAL", "grace_s": 0.1}
    return small_site(root, {"menu": 4}, composer_delay_s=delay_s, **quick)


async def followed(chat: Desk, batch_id: str) -> Sequence[Batch]:
    """Subscribe to a batch until it ends; return what was heard."""
    assert chat.services is not None
    snapshots = await chat.services.hub.subscribe(OWNER, only=batch_id)
    return [snapshot.batch async for snapshot in snapshots]


async def fail_at_once(hub: Hub, batch_id: str) -> None:
    """Subscribe to a batch, and break over the first that is heard of it."""
    async for snapshot in await hub.subscribe(OWNER, only=batch_id):
        assert snapshot.batch.finished / 0


async def until_ended(snapshots: Subscription) -> AsyncGenerator[Snapshot]:
    """Yield what is told, up to the first end."""
    async for snapshot in snapshots:
        yield snapshot
        if snapshot.ended:
            return


async def ended(chat: Desk, batch_id: str) -> Batch:
    """Return a batch once it has ended, by a wait."""
    assert chat.services is not None
    return await chat.services.batches.wait(batch_id, owner=OWNER, timeout_s=PATIENCE_S)


def subscriptions() -> int:
    """Return how many subscriptions there are in this process, whoever holds on to them."""
    gc.collect()
    return sum(isinstance(each, Subscription) for each in gc.get_objects())


@asynccontextmanager
async def serving(root: Path) -> AsyncGenerator[str]:
    """Serve a workspace over HTTP in this process; yield the address of the endpoint."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    stopping = anyio.Event()
    application = Application(root, default_mode="embedded")
    async with application.running(), anyio.create_task_group() as tasks:
        server = build_server(application, version="0", origin=http_origin(None))
        app = build_http_app(server, host="127.0.0.1")

        async def serve() -> None:
            await serve_http(app, "127.0.0.1", port, stopping=stopping)

        tasks.start_soon(serve)
        await until(lambda: _accepts(port))
        yield f"http://127.0.0.1:{port}{MCP_PATH}"
        stopping.set()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_nobody_is_subscribed_but_who_waits(tmp_path: Path) -> None:
    """An open workspace subscribes to nothing; a wait does, and leaves nothing behind."""
    root = site(tmp_path / "site")
    async with desk(root) as chat:
        assert subscriptions() == 0
        batch_id = (await chat.call("generate-all"))["batchId"]
        heard = await followed(chat, batch_id)
        assert subscriptions() == 0
    assert heard[-1].state is BatchState.COMPLETED
    assert subscriptions() == 0


async def test_a_subscriber_that_fails_costs_neither_the_jobs_nor_the_others(
    tmp_path: Path,
) -> None:
    """It is told of its failure itself; the batch ends, and who subscribed beside it hears so."""
    async with desk(site(tmp_path / "site")) as chat:
        assert chat.services is not None
        batch_id = (await chat.call("generate-all"))["batchId"]
        heard: list[Batch] = []

        async def listen() -> None:
            heard.extend(await followed(chat, batch_id))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            with pytest.raises(ZeroDivisionError):
                await fail_at_once(chat.services.hub, batch_id)
        batch = await ended(chat, batch_id)
    assert (batch.state, batch.completed) == (BatchState.COMPLETED, 4)
    assert (heard[-1].state, heard[-1].completed) == (BatchState.COMPLETED, 4)


async def test_a_damaged_batch_costs_no_job_no_server_and_no_other_subscriber(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It cannot be read, while another runs and is subscribed to."""
    root = site(tmp_path / "site", delay_s=0.3)
    async with desk(root) as chat:
        damaged = (await chat.run("generate", section="menu/s1"))["batchId"]
        batch_id = (await chat.call("generate-all", mode="new"))["batchId"]
        assert chat.services is not None
        everything = await chat.services.hub.subscribe(OWNER)
        alter(root, "UPDATE counters SET value = value + 1 WHERE name = 'change'")
        alter(root, DAMAGE, damaged)
        alter(root, CHANGE, damaged)
        with anyio.fail_after(PATIENCE_S):
            heard = await followed(chat, batch_id)
            assert [each.id async for each in until_ended(everything)][-1] == batch_id
        assert heard[-1].state is BatchState.COMPLETED
        batch = await ended(chat, batch_id)
        assert (batch.state, batch.completed) == (BatchState.COMPLETED, 4)
        answer = await chat.call("status", batchId=batch_id, waitSeconds=0)
    assert answer["message"] == "4 of 4 drafted."
    assert "progress cannot be read" in caplog.text


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cancels_its_wait_is_subscribed_no_more(
    tmp_path: Path, era: Era
) -> None:
    """At once, and the batch goes on."""
    async with (
        serving(site(tmp_path / "site", delay_s=30)) as url,
        over_http(url, tmp_path / "site", era=era) as chat,
    ):
        assert subscriptions() == 0
        async with anyio.create_task_group() as calls:
            calls.start_soon(chat.client.call_tool, "generate-all", {"waitSeconds": 45})
            await until(lambda: subscriptions() == 1)
            calls.cancel_scope.cancel()
        await until(lambda: subscriptions() == 0)
        (operation,) = (await chat.call("status", waitSeconds=0))["operations"]
    assert operation["status"] in {"pending", "processing"}


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_goes_away_is_subscribed_no_more(tmp_path: Path, era: Era) -> None:
    """It says goodbye, and waits no more for what it had asked."""
    async with (
        serving(site(tmp_path / "site", delay_s=30)) as url,
        anyio.create_task_group() as calls,
    ):
        async with over_http(url, tmp_path / "site", era=era) as chat:

            async def wait() -> None:
                with suppress(MCPError):
                    await chat.call("generate-all", waitSeconds=45)

            calls.start_soon(wait)
            await until(lambda: subscriptions() == 1)
        await until(lambda: subscriptions() == 0)


async def test_a_connection_that_breaks_is_subscribed_no_more(tmp_path: Path) -> None:
    """The client is gone without a word, as where its process was killed."""
    async with serving(site(tmp_path / "site", delay_s=30)) as url:
        address = urlsplit(url)
        assert address.hostname is not None and address.port is not None
        connection = await anyio.connect_tcp(address.hostname, address.port)
        await connection.send(call_of("generate-all", {"waitSeconds": 45}))
        await until(lambda: subscriptions() == 1)
        await anyio.aclose_forcefully(connection)
        await until(lambda: subscriptions() == 0)


async def test_of_the_older_protocol_a_broken_connection_stays_subscribed_until_its_wait_is_over(
    tmp_path: Path,
) -> None:
    """Its client may come back for the answer. No wait is longer than 45 seconds."""
    async with serving(site(tmp_path / "site", delay_s=30)) as url:
        async with (
            anyio.create_task_group() as leaving,
            over_http(url, tmp_path / "site", era="legacy") as chat,
        ):
            leaving.start_soon(chat.client.call_tool, "generate-all", {"waitSeconds": 5})
            await until(lambda: subscriptions() == 1)
            leaving.cancel_scope.cancel()
        await until(lambda: subscriptions() == 0)


def call_of(tool: str, arguments: dict[str, Any]) -> bytes:
    """Return the request of a tool call with a progress token, as it stands on the wire."""
    params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": "p", **MODERN}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    body = json.dumps(message).encode()
    head = (
        f"POST {MCP_PATH} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json, text/event-stream",
        "Content-Type: application/json",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        f"Mcp-Name: {tool}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
