"""Many who subscribe: what they cost a process, and how much they slow a batch over HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteReceiveStream, TaskStatus

from mcp_server.app import Application
from mcp_server.app.shutdown import UntilTold
from mcp_server.clock import SystemClock
from mcp_server.interfaces.http.app import build_http_app, http_origin, serve_http
from mcp_server.interfaces.http.bounds import CallBounds
from mcp_server.interfaces.http.protocol import ConnectionBounds
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.interfaces.services import Services
from mcp_server.jobs.hub.hub import Hub
from mcp_server.progress.stream import Events, EventStream
from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.sites import site_of
from tests.storage.stores import ORIGIN, Bench, a_job, sqlite
from tests.wire import over_http

JOBS = 40
GAP_S = 0.1
"""Between two changes of the batch, of which each job makes two."""
SECTIONS = 21
CONCURRENCY = 4
END_S = 600.0


async def subscribe(folder: Path, sizes: ServerSizes) -> Values:
    """Measure the processor time, and a batch with and without so many clients of `/events`."""
    batch_s = {
        count: await _batch_s(folder / f"site{count}", count, sizes)
        for count in (0, sizes.subscribers)
    }
    return {
        (OWN, "subscribers-cpu"): await _cpu_s(folder / "many.db", sizes.subscribers),
        ("nobody", "subscribers-cpu"): await _cpu_s(folder / "none.db", 0),
        (OWN, "subscribers-batch"): batch_s[sizes.subscribers],
        ("nobody", "subscribers-batch"): batch_s[0],
    }


async def _cpu_s(path: Path, count: int) -> float:
    """Return what this process takes while a batch goes on that so many are told of."""
    async with sqlite(path) as stores:
        bench = Bench(stores, sqlite, path)
        events = Events(Hub(bench.store), SystemClock())
        await bench.submit("b1", *[a_job() for _ in range(JOBS)])
        begun = time.process_time()
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(_to_its_end, await events.subscribe(ORIGIN.owner))
            for _ in range(JOBS):
                attempt = await bench.start()
                await anyio.sleep(GAP_S)
                await bench.finish(attempt)
        return time.process_time() - begun


async def _to_its_end(events: EventStream) -> None:
    async for event in events:
        if event.ended:
            return


async def _batch_s(root: Path, count: int, sizes: ServerSizes) -> float:
    """Return how long a batch takes while so many clients read `/events`, in one process."""
    site_of(root, SECTIONS, concurrency=CONCURRENCY, composer_delay_s=sizes.double_s)
    ended = None
    async with _serving(root, count) as (services, url), anyio.create_task_group() as tasks:
        port = urlsplit(url).port
        assert port is not None
        for _ in range(count):
            await tasks.start(_client, port)
        async with over_http(url, root) as desk:
            batch_id = (await desk.call("generate-all"))["batchId"]
        owner = http_origin(None).owner
        ended = await services.batches.wait(batch_id, owner=owner, timeout_s=END_S)
        tasks.cancel_scope.cancel()
    assert ended is not None and ended.started_at is not None and ended.ended_at is not None
    return ended.ended_at - ended.started_at


@asynccontextmanager
async def _serving(root: Path, clients: int) -> AsyncGenerator[tuple[Services, str]]:
    """Serve a workspace over HTTP, to more clients than a server has room for as it is."""
    stopping = anyio.Event()
    streams = UntilTold(stopping)
    application = Application(root, default_mode="embedded", stopping=stopping)

    async def events(id: str | None) -> EventStream:
        services = await application.services()
        return streams.add(await services.events.subscribe(http_origin(None).owner, only=id))

    async with application.running(), anyio.create_task_group() as tasks:
        server = build_server(application, version="0", origin=http_origin(None))
        bounds = CallBounds(requests_max=clients + 100)
        app = build_http_app(server, host="127.0.0.1", events=events, bounds=bounds)
        room = ConnectionBounds(connections_max=clients + 100)

        async def serve(*, task_status: TaskStatus[str]) -> None:
            await serve_http(
                app, "127.0.0.1", 0, stopping=stopping, bounds=room, task_status=task_status
            )

        tasks.start_soon(streams.run)
        url: str = await tasks.start(serve)
        yield await application.services(), url
        stopping.set()


async def _client(port: int, *, task_status: TaskStatus[None]) -> None:
    """Read `/events` until cancelled; started when the answer has begun."""
    async with await anyio.connect_tcp("127.0.0.1", port) as connection:
        await connection.send(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await connection.receive()
        task_status.started()
        await _read(connection)


async def _read(stream: ByteReceiveStream) -> None:
    async for _ in stream:
        pass
