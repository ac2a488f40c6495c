"""The progress monitor inside a server: it lives as long as the server, and hurts nothing."""

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
from mcp_server.jobs.job import Batch, BatchState
from mcp_server.progress.monitor import ProgressMonitor
from tests.harness import Desk, Era, desk, small_site
from tests.waiting import PATIENCE_S, until
from tests.wire import ERAS, MODERN, alter, over_http

pytestmark = pytest.mark.anyio

MONITOR = ProgressMonitor.run.__qualname__
"""What the monitor's task is called."""
OWNER = "local"


def site(root: Path, *, delay_s: float = 0.1) -> Path:
    """Make a site of four sections; the model takes its time, and at the end nobody waits."""
    quick = {"synchronous": "NORMAL", "grace_s": 0.1}
    return small_site(root, {"menu": 4}, composer_delay_s=delay_s, **quick)


def monitors() -> int:
    """Return how many monitors run in this event loop."""
    return sum((task.name or "").endswith(MONITOR) for task in anyio.get_running_tasks())


async def followed(chat: Desk, batch_id: str) -> Sequence[Batch]:
    """Listen to a batch until it ends; return what was heard."""
    assert chat.services is not None
    async with chat.services.monitor.watch(batch_id) as snapshots:
        return [batch async for batch in snapshots]


async def fail_at_once(monitor: ProgressMonitor, batch_id: str) -> None:
    """Listen to a batch, and break over the first that is heard of it."""
    async with monitor.watch(batch_id) as snapshots:
        async for batch in snapshots:
            assert batch.finished / 0


async def ended(chat: Desk, batch_id: str) -> Batch:
    """Return a batch once it has ended, without listening to it."""
    assert chat.services is not None
    return await chat.services.batches.wait(batch_id, owner=OWNER, timeout_s=PATIENCE_S)


def listeners() -> int:
    """Return how many subscriptions there are in this process, whoever holds on to them."""
    gc.collect()
    names = [f"{type(each).__module__}.{type(each).__name__}" for each in gc.get_objects()]
    return names.count(f"{ProgressMonitor.__module__}._Subscription")


@asynccontextmanager
async def listening(root: Path) -> AsyncGenerator[str]:
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


async def test_the_monitor_starts_and_stops_with_the_server(tmp_path: Path) -> None:
    """One runs as soon as the workspace is open, heard or not; none is left afterwards."""
    root = site(tmp_path / "site")
    assert monitors() == 0
    async with desk(root) as chat:
        assert monitors() == 1
        batch_id = (await chat.call("generate-all"))["batchId"]
        heard = await followed(chat, batch_id)
        assert monitors() == 1
    assert heard[-1].state is BatchState.COMPLETED
    assert monitors() == 0


async def test_a_listener_that_fails_costs_neither_the_jobs_nor_the_other_listeners(
    tmp_path: Path,
) -> None:
    """It is told of its failure itself; the batch ends, and who listens beside it hears so."""
    async with desk(site(tmp_path / "site")) as chat:
        assert chat.services is not None
        batch_id = (await chat.call("generate-all"))["batchId"]
        heard: list[Batch] = []

        async def listen() -> None:
            heard.extend(await followed(chat, batch_id))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            with pytest.raises(ZeroDivisionError):
                await fail_at_once(chat.services.monitor, batch_id)
        batch = await ended(chat, batch_id)
    assert (batch.state, batch.completed) == (BatchState.COMPLETED, 4)
    assert (heard[-1].state, heard[-1].completed) == (BatchState.COMPLETED, 4)


async def test_a_monitor_that_breaks_costs_no_job_and_no_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It cannot read a batch that somebody damaged, while another runs and is listened to."""
    root = site(tmp_path / "site", delay_s=0.3)
    async with desk(root) as chat:
        damaged = (await chat.run("generate", section="menu/s1"))["batchId"]
        batch_id = (await chat.call("generate-all", mode="new"))["batchId"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(followed, chat, batch_id)
            alter(root, "UPDATE batches SET details = '{' WHERE batch_id = ?", damaged)
            of_batch = "batch = (SELECT id FROM batches WHERE batch_id = ?)"
            alter(root, f"UPDATE rounds SET change = change + 1000 WHERE {of_batch}", damaged)
            await ended(chat, batch_id)
            tasks.cancel_scope.cancel()
        batch = await ended(chat, batch_id)
        assert (batch.state, batch.completed) == (BatchState.COMPLETED, 4)
        assert monitors() == 1
        answer = await chat.call("status", batchId=batch_id, waitSeconds=0)
    assert answer["message"] == "4 of 4 drafted."
    assert "progress cannot be read" in caplog.text


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cancels_its_wait_listens_no_more(tmp_path: Path, era: Era) -> None:
    """At once, and the batch goes on."""
    async with (
        listening(site(tmp_path / "site", delay_s=30)) as url,
        over_http(url, tmp_path / "site", era=era) as chat,
    ):
        assert listeners() == 0
        async with anyio.create_task_group() as calls:
            calls.start_soon(chat.client.call_tool, "generate-all", {"waitSeconds": 45})
            await until(lambda: listeners() == 1)
            calls.cancel_scope.cancel()
        await until(lambda: listeners() == 0)
        (operation,) = (await chat.call("status", waitSeconds=0))["operations"]
    assert operation["status"] in {"pending", "processing"}


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_goes_away_listens_no_more(tmp_path: Path, era: Era) -> None:
    """It says goodbye, and waits no more for what it had asked."""
    async with (
        listening(site(tmp_path / "site", delay_s=30)) as url,
        anyio.create_task_group() as calls,
    ):
        async with over_http(url, tmp_path / "site", era=era) as chat:

            async def wait() -> None:
                with suppress(MCPError):
                    await chat.call("generate-all", waitSeconds=45)

            calls.start_soon(wait)
            await until(lambda: listeners() == 1)
        await until(lambda: listeners() == 0)


async def test_a_connection_that_breaks_listens_no_more(tmp_path: Path) -> None:
    """The client is gone without a word, as where its process was killed."""
    async with listening(site(tmp_path / "site", delay_s=30)) as url:
        address = urlsplit(url)
        assert address.hostname is not None and address.port is not None
        connection = await anyio.connect_tcp(address.hostname, address.port)
        await connection.send(call_of("generate-all", {"waitSeconds": 45}))
        await until(lambda: listeners() == 1)
        await anyio.aclose_forcefully(connection)
        await until(lambda: listeners() == 0)


async def test_of_the_older_protocol_a_broken_connection_listens_until_its_wait_is_over(
    tmp_path: Path,
) -> None:
    """Its client may come back for the answer. No wait is longer than 45 seconds."""
    async with listening(site(tmp_path / "site", delay_s=30)) as url:
        async with (
            anyio.create_task_group() as leaving,
            over_http(url, tmp_path / "site", era="legacy") as chat,
        ):
            leaving.start_soon(chat.client.call_tool, "generate-all", {"waitSeconds": 5})
            await until(lambda: listeners() == 1)
            leaving.cancel_scope.cancel()
        await until(lambda: listeners() == 0)


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
