"""How long a client waits: for the list of tools from the start, and for an answer of `status`.

Always beside the least that a server can be (`bare`), in turns, as the machine has good and bad
moments.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.harness import Era, small_site
from tests.wire import Pipe, command, environment, own_module

BARE = "bare"
ERAS: tuple[tuple[str, Era], ...] = (("modern", "auto"), ("legacy", "legacy"))
WARM_UP = 20
"""Calls that are not counted: the first ones open the workspace, and fill caches on both sides."""

Started = tuple[Sequence[str], dict[str, str]]


async def start_and_ask(folder: Path, sizes: ServerSizes) -> Values:
    """Measure both, in both eras."""
    root = small_site(folder / "site", {"menu": 3})
    servers: dict[str, Started] = {
        BARE: own_module("tests.benchmarks.bare"),
        OWN: (command("serve", "--workspace", str(root)), environment()),
    }
    values: dict[tuple[str, str], float] = {}
    for name, era in ERAS:
        for system, times in spawned(servers, era, sizes.spawned).items():
            values[system, f"listed-{name}"] = 1000 * statistics.median(times)
        for system, times in _asked(servers, era, sizes.asked).items():
            values[system, f"asked-{name}"] = 1000 * statistics.median(times)
    return values


def spawned(servers: Mapping[str, Started], era: Era, pairs: int) -> dict[str, list[float]]:
    """Return how long each server took from its start to its list, in seconds."""
    times: dict[str, list[float]] = {system: [] for system in servers}
    for _ in range(pairs):
        for system, started in servers.items():
            begun = time.perf_counter()
            with _talking_to(started, era):
                times[system].append(time.perf_counter() - begun)
    return times


def _asked(servers: dict[str, Started], era: Era, calls: int) -> dict[str, list[float]]:
    """Return how long each server took for each call of `status`, in seconds."""
    times: dict[str, list[float]] = {system: [] for system in servers}
    with _talking_to(servers[BARE], era) as bare, _talking_to(servers[OWN], era) as own:
        for turn in range(WARM_UP + calls):
            for system, client in ((BARE, bare), (OWN, own)):
                begun = time.perf_counter()
                client.call("status")
                if turn >= WARM_UP:
                    times[system].append(time.perf_counter() - begun)
    return times


@contextmanager
def _talking_to(started: Started, era: Era) -> Generator[Pipe]:
    """Start a server and yield a client of it that has its list of tools."""
    line, variables = started
    ends, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        line, stdin=ends, stdout=ends, stderr=nowhere, text=True, encoding="utf-8", env=variables
    ) as process:
        try:
            client = Pipe(process, era)
            client.begin()
            assert client.answer(client.request("tools/list"))["result"]["tools"]
            yield client
        finally:
            process.kill()
