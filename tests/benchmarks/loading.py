"""Many clients over HTTP at once, beside a bare server of the protocol library under as many."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.benchmarks.measuring import OWN, ServerSizes, Values, p99
from tests.benchmarks.memory import memory_kb
from tests.benchmarks.partners import until
from tests.benchmarks.sites import site_of
from tests.sockets import connected
from tests.wire import MODERN, http_server, own_module, query

BARE = "bare server"
TURNS = 4
"""In how many turns the two servers are asked, one after the other."""
WAIT_S = 45
JSON, BOTH = "application/json", "application/json, text/event-stream"
"""With the first a wait ends with one answer of a known length; the library wants the second."""
HEAD_MAX = 16_384


@dataclass
class Caller:
    """One client with a connection that it keeps: it sends bytes, and reads little of the answer.

    A client library would take longer than the server, on the same cores.
    """

    stream: anyio.abc.SocketStream
    accept: str
    took_ms: list[float] = field(default_factory=list[float])
    """What its calls of `generate` took."""

    def __post_init__(self) -> None:
        self._buffered = BufferedByteReceiveStream(self.stream)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; return its structured answer.

        Raises:
            RuntimeError: it answered with an error.
        """
        begun = time.perf_counter()
        await self.stream.send(_request(tool, arguments, self.accept))
        head = await self._buffered.receive_until(b"\r\n\r\n", HEAD_MAX)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            raise RuntimeError(f"{tool}: {head.decode('latin-1')}")
        answer = json.loads(await self._buffered.receive_exactly(int(length[1])))
        if tool == "generate":
            self.took_ms.append((time.perf_counter() - begun) * 1000)
        if answer["result"].get("isError"):
            raise RuntimeError(f"{tool}: {answer['result']['content'][0]['text']}")
        return answer["result"]["structuredContent"]


def _request(tool: str, arguments: Mapping[str, Any], accept: str) -> bytes:
    params = {"name": tool, "arguments": arguments, "_meta": MODERN}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    body = json.dumps(call).encode()
    lines = (
        "POST /mcp HTTP/1.1",
        "Host: 127.0.0.1:80",
        "Content-Type: application/json",
        f"Accept: {accept}",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        f"Mcp-Name: {tool}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def status_only(folder: Path, sizes: ServerSizes) -> Values:
    """Return how many `status` calls a second each server answers, asked in turn."""
    root = site_of(folder / "site", 5, composer_delay_s=0)
    calls = dict.fromkeys((OWN, BARE), 0)
    async with servers(root) as (urls, _):
        for turn in range(TURNS):
            for system in (OWN, BARE) if turn % 2 else (BARE, OWN):
                async with callers(urls[system], sizes.callers, BOTH) as clients:
                    end = anyio.current_time() + sizes.callers_s / TURNS
                    calls[system] += await _all(clients, end, _status)
    return {(system, "calls"): count / sizes.callers_s for system, count in calls.items()}


async def lives(folder: Path, sizes: ServerSizes) -> Values:
    """Let each client draft, promote and take back a page of its own, again and again."""
    root = site_of(folder / "site", sizes.loaders, per_page=1, composer_delay_s=0)
    async with servers(root) as (urls, process):
        bare_ms = await _bare(urls[BARE], sizes)
        async with callers(urls[OWN], sizes.loaders) as clients:
            batches, memory = list[str](), list[float]()

            async def live(caller: Caller, number: int) -> None:
                await _life(caller, number, batches)

            async def look_half_way() -> None:
                await anyio.sleep(sizes.load_s / 2)
                memory.append(memory_kb(process.pid))

            end = anyio.current_time() + sizes.load_s
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(look_half_way)
                await _all(clients, end, live)
        late_s, growth_kb = anyio.current_time() - end, memory_kb(process.pid) - memory[0]
    stored = [row[0] for row in query(root, "SELECT batch_id FROM batches")]
    assert sorted(stored) == sorted(batches), "a batch was lost, or is there twice"
    states = query(root, "SELECT DISTINCT state FROM rounds")
    assert states == [("completed",)], states
    return {
        (OWN, "load-generate-p99"): p99([ms for caller in clients for ms in caller.took_ms]),
        (BARE, "load-generate-p99"): p99(bare_ms),
        (OWN, "load-batches"): len(batches) / sizes.load_s,
        (OWN, "load-late"): max(0.0, late_s),
        (OWN, "load-growth"): growth_kb,
    }


async def _bare(url: str, sizes: ServerSizes) -> list[float]:
    async with callers(url, sizes.loaders, BOTH) as clients:
        await _all(clients, anyio.current_time() + sizes.load_s / TURNS, _generate)
        return [ms for caller in clients for ms in caller.took_ms]


async def _status(caller: Caller, _: int) -> None:
    await caller.call("status")


async def _generate(caller: Caller, number: int) -> None:
    await caller.call("generate", page=f"p{number}", mode="new")


async def _life(caller: Caller, number: int, batches: list[str]) -> None:
    page = f"p{number}"

    async def done(answer: Mapping[str, Any]) -> None:
        batches.append(answer["batchId"])
        ended: Mapping[str, Any] = {}
        while ended.get("operations", [{}])[0].get("status") != "completed":
            ended = await caller.call("status", batchId=answer["batchId"], waitSeconds=WAIT_S)

    await done(await caller.call("generate", page=page, mode="new"))
    await done(await caller.call("promote", page=page))
    shown = await caller.call("rollback", page=page, dryRun=True)
    await done(await caller.call("rollback", page=page, digest=shown["digest"]))


async def _all(
    clients: list[Caller], end: float, act: Callable[[Caller, int], Awaitable[None]]
) -> int:
    """Let every client act until the end; return how often they did."""
    acts = 0

    async def one(caller: Caller, number: int) -> None:
        nonlocal acts
        while anyio.current_time() < end:
            await act(caller, number)
            acts += 1

    async with anyio.create_task_group() as tasks:
        for number, caller in enumerate(clients):
            tasks.start_soon(one, caller, number)
    return acts


@asynccontextmanager
async def callers(url: str, count: int, accept: str = JSON) -> AsyncGenerator[list[Caller]]:
    """Connect so many clients."""
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(connected(url)) for _ in range(count)]
        yield [Caller(stream, accept) for stream in streams]


@asynccontextmanager
async def servers(root: Path) -> AsyncGenerator[tuple[dict[str, str], subprocess.Popen[bytes]]]:
    """Run our server on `root`, and the bare one; yield their addresses, and our process."""
    log = root.parent / "bare.log"
    line, variables = own_module("tests.benchmarks.bare_http")
    with (
        http_server(root) as (own, url),
        log.open("w+") as errors,
        subprocess.Popen(  # noqa: ASYNC220 -- it is told to end
            line, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env=variables
        ) as process,
    ):
        try:
            await until(lambda: "/mcp" in log.read_text() or process.poll() is not None)
            yield {OWN: url, BARE: log.read_text().strip().removeprefix("url=")}, own
        finally:
            process.terminate()
