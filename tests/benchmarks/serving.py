"""The server, or the worker, as a process of its own that says how it fared.

    python -m tests.benchmarks.serving ticking|http|server|worker|nothing FOLDER REPORT

composes the product as its command line does, with one kind more (`kinds/`); `ticking` is a server
whose event loop is watched, which costs it a little, `http` one over HTTP, with its worker;
`nothing` is an event loop and no more, until its stdin ends. When the process ends, the file
`REPORT` holds how late its event loop was, how much memory it had and how much processor time it
took beside what looking at it takes, each with its moment (`time.monotonic()`: one clock for all
processes of a machine).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

import anyio
import anyio.to_thread
from pydantic import BaseModel

import handlers
from tests.benchmarks.memory import peak_kb

KINDS = Path(__file__).with_name("kinds")
TICK_S = 0.001
LATE_S = 0.002
"""A tick that comes later than this is kept; less is the timer's own."""
SAMPLE_S = 0.25


class Sample(BaseModel):
    """What this process had had at a moment."""

    at: float
    peak_kb: float
    cpu_s: float


class Report(BaseModel):
    """How a process fared."""

    late: list[tuple[float, float]] = []
    """When the event loop came late, and by how many seconds."""
    busy: list[tuple[float, float]] = []
    """When it had worked for long without a pause, and for how many seconds of the processor."""
    samples: list[Sample] = []

    def stall_ms(self, since: float, until: float) -> float:
        """Return the longest stall of the event loop between two moments."""
        return 1000 * max((late for at, late in self.late if since <= at <= until), default=0.0)

    def busy_ms(self, since: float, until: float) -> float:
        """Return the longest that the event loop itself worked without a pause.

        A busy machine makes it come late, too; this is what it would take on any.
        """
        return 1000 * max((busy for at, busy in self.busy if since <= at <= until), default=0.0)

    def between(self, since: float, until: float) -> tuple[float, float]:
        """Return growth of the peak in kB, and seconds of processor time, between two moments."""
        first = max((s for s in self.samples if s.at <= since), key=lambda s: s.at)
        last = max((s for s in self.samples if s.at <= until), key=lambda s: s.at)
        return last.peak_kb - first.peak_kb, last.cpu_s - first.cpu_s


class Watch:
    """Keeps an eye on this process, from its event loop and from a thread."""

    def __init__(self) -> None:
        self._report = Report()
        self._own_s = 0.0
        """What the looking itself took."""

    def start(self) -> None:
        """Take samples from now on."""
        self._sample()
        threading.Thread(target=self._run, name="samples", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(SAMPLE_S)
            self._sample()
            self._own_s = time.thread_time()

    def _sample(self) -> None:
        cpu_s = time.process_time() - self._own_s
        sample = Sample(at=time.monotonic(), peak_kb=peak_kb(), cpu_s=cpu_s)
        self._report.samples.append(sample)

    async def ticks(self) -> None:
        """Note how late the event loop comes, until cancelled."""
        while True:
            due, worked = time.monotonic() + TICK_S, time.thread_time()
            await anyio.sleep(TICK_S)
            now, busy = time.monotonic(), time.thread_time() - worked
            if busy > LATE_S:
                self._report.busy.append((now, busy))
            if now - due > LATE_S:
                self._report.late.append((now, now - due))

    def write(self, path: Path) -> None:
        """Write the report."""
        self._sample()
        path.write_text(self._report.model_dump_json(), "utf-8")


def add_kinds() -> None:
    """Let the benchmarks' kinds be found among Pressroom's own."""
    handlers.__path__.append(str(KINDS))


def serve(root: Path, watch: Watch | None) -> None:
    """Serve one client as `pressroom serve` does."""
    from mcp_server.interfaces.mcp.stdio import claim_stdout, serve_stdio

    claim_stdout()
    from mcp_server.app import Application, log_to_stderr, settle_memory
    from mcp_server.interfaces.mcp.server import build_server
    from mcp_server.jobs.job import Origin

    log_to_stderr()

    async def run() -> None:
        async with (
            Application(
                root, default_mode="detached", opened=settle_memory
            ).running() as application,
            anyio.create_task_group() as tasks,
        ):
            if watch is not None:
                tasks.start_soon(watch.ticks)
            origin = Origin(owner="local", interface="mcp-stdio")
            server = build_server(application, version=version("pressroom"), origin=origin)
            await serve_stdio(server)
            tasks.cancel_scope.cancel()

    anyio.run(run)


def serve_http(root: Path, watch: Watch) -> None:
    """Serve clients over HTTP as `pressroom serve --http` does, on a free port, with its worker."""
    from mcp_server.app import server

    run_until_told = server.run_until_told

    def watched(serve: Callable[[anyio.Event], Awaitable[None]]) -> None:
        async def both(stopping: anyio.Event) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch.ticks)
                await serve(stopping)
                tasks.cancel_scope.cancel()

        run_until_told(both)

    server.run_until_told = watched
    none: list[str] = []
    server.serve_http(
        root, host="127.0.0.1", port=0, token=None, allowed_hosts=none, allowed_origins=none
    )


def work(root: Path) -> None:
    """Work as `pressroom worker` does."""
    from mcp_server.app import run_worker

    run_worker(root, detached=False)


def idle(watch: Watch) -> None:
    """Do nothing until stdin ends: how late is an event loop here for no reason of its own?"""

    async def wait() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.ticks)
            await anyio.to_thread.run_sync(sys.stdin.read)
            tasks.cancel_scope.cancel()

    anyio.run(wait)


def main(role: str, root: Path, report: Path) -> None:
    """Be what `role` says."""
    add_kinds()
    watch = Watch()
    watch.start()
    try:
        match role:
            case "ticking":
                serve(root, watch)
            case "http":
                serve_http(root, watch)
            case "server":
                serve(root, None)
            case "worker":
                work(root)
            case _:
                idle(watch)
    finally:
        watch.write(report)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
