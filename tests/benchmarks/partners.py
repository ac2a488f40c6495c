"""The server's and the worker's processes, as the measuring process starts and ends them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from mcp_server.config import open_workspace
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.trust import StateFolder
from tests.benchmarks.serving import Report
from tests.harness import Desk
from tests.wire import own_module, query

LOOK_S = 0.02
START_S = 30.0
END_S = 20.0
SERVING = "tests.benchmarks.serving"


@dataclass(slots=True)
class Partner:
    """A process to be measured; its report is there once it has ended."""

    path: Path

    @property
    def report(self) -> Report:
        """How it fared."""
        return Report.model_validate_json(self.path.read_text("utf-8"))


@dataclass(slots=True)
class Server(Partner):
    """The server, with a client that talks to it."""

    desk: Desk


@asynccontextmanager
async def server(
    root: Path, role: Literal["server", "ticking"] = "server"
) -> AsyncGenerator[Server]:
    """Start a server on `root` as a client does, over its pipes; its workspace is open."""
    path = root.parent / f"{root.name}.server.json"
    (program, *arguments), variables = own_module(SERVING, role, str(root), str(path))
    parameters = StdioServerParameters(command=program, args=arguments, env=variables)
    with path.with_suffix(".log").open("a") as errors:
        async with Client(stdio_client(parameters, errlog=errors)) as client:
            desk = Desk(client, root)
            await desk.call("status")
            yield Server(path, desk)
        await until(path.exists)


@asynccontextmanager
async def worker(root: Path) -> AsyncGenerator[Partner]:
    """Start a worker on `root`, and wait until it waits for work."""
    path = root.parent / f"{root.name}.worker.json"
    command, variables = own_module(SERVING, "worker", str(root), str(path))
    with (
        path.with_suffix(".log").open("a") as log,
        subprocess.Popen(  # noqa: ASYNC220 -- it is told to end, and waited for, in a thread
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables
        ) as process,
    ):
        try:
            await until(lambda: process.poll() is not None or _announced(root, process.pid))
            assert process.poll() is None, path.with_suffix(".log").read_text()[-2000:]
            yield Partner(path)
        finally:
            process.terminate()
            with anyio.CancelScope(shield=True), suppress(subprocess.TimeoutExpired):
                await anyio.to_thread.run_sync(process.wait, END_S)
            process.kill()


@asynccontextmanager
async def both(root: Path) -> AsyncGenerator[tuple[Server, Partner]]:
    """Start a server and a worker on `root`."""
    async with server(root) as serving, worker(root) as working:
        yield serving, working


@asynccontextmanager
async def no_worker(root: Path) -> AsyncGenerator[None]:
    """Keep every worker from working on `root`."""
    StateFolder(open_workspace(root, {})).prepare()
    lock = WorkerLock(root / ".pressroom" / "worker.lock")
    assert lock.acquire(), "somebody works already"
    try:
        yield
    finally:
        lock.release()


def _announced(root: Path, pid: int) -> bool:
    if not (root / ".pressroom" / "pressroom.db").exists():
        return False
    return bool(query(root, "SELECT 1 FROM hosts WHERE role = 'worker' AND pid = ?", pid))


async def until(holds: Callable[[], bool], *, seconds: float = START_S) -> None:
    """Wait until another process has made something true.

    Raises:
        TimeoutError: it has not, in time.
    """
    with anyio.fail_after(seconds):
        while not holds():
            await anyio.sleep(LOOK_S)


async def ended(root: Path, batch_id: str, *, seconds: float) -> tuple[int, float]:
    """Wait for the end of a batch; return its jobs and how long they were worked on, in seconds."""
    row: list[tuple[int, float, float | None]] = []

    def has_ended() -> bool:
        row[:] = query(
            root,
            "SELECT completed, started_at, ended_at FROM batches "
            "JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round "
            "WHERE batch_id = ?",
            batch_id,
        )
        return row[0][2] is not None

    await until(has_ended, seconds=seconds)
    [(completed, began, end)] = row
    assert end is not None
    return completed, end - began
