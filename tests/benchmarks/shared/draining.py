"""Draining and handing in: our queue and others, on one server, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import psycopg

from tests.benchmarks.measuring import OWN, ServerSizes, Values, p95
from tests.benchmarks.place import REST_S
from tests.benchmarks.shared.desk import desk
from tests.benchmarks.shared.rows import keep
from tests.benchmarks.shared.systems import (
    BARE,
    BARES,
    LANES,
    PEERS,
    SLOW,
    THOSE_HEARD,
    line,
    server,
    settled,
    statement,
)

IDEAL = "ideal"
RESTERS, REST_LANES = 4, 32
TRIPS = 200

_turns = count()


def _in_turn(systems: Sequence[str]) -> Sequence[str]:
    """Return them, another one first each time: none is always measured after the same."""
    begin = next(_turns) % len(systems)
    return (*systems[begin:], *systems[:begin])


def _jobs(system: str, sizes: ServerSizes) -> int:
    return sizes.queued_by_slow if system in SLOW else sizes.queued


async def by_workers(folder: Path, sizes: ServerSizes) -> Values:
    """Drain no-ops by so many workers as are asked for, each system in a database of its own."""
    values: dict[tuple[str, str], float] = {}
    with server(folder) as postgres:
        for workers in sizes.workers:
            for system in _in_turn((OWN, *PEERS)):
                address = settled(postgres)
                async with desk(system, address, folder, workers=workers, lanes=LANES) as found:
                    rate = await found.drain(_jobs(system, sizes))
                values[system, f"workers-{workers}"] = rate
    return values


async def over_a_line(folder: Path, sizes: ServerSizes) -> Values:
    """Do the same with the fewest and with the most workers, from afar."""
    values: dict[tuple[str, str], float] = {}
    with server(folder) as postgres:
        for workers in (sizes.workers[0], sizes.workers[-1]):
            for system in _in_turn((OWN, *BARES)):
                with line(settled(postgres)) as afar:
                    async with desk(system, afar, folder, workers=workers, lanes=LANES) as found:
                        values[system, f"line-{workers}"] = await found.drain(sizes.queued)
        with line(settled(postgres)) as afar:
            values[OWN, "line-trip"] = _trip_ms(afar)
    return values


def _trip_ms(address: str) -> float:
    taken: list[float] = []
    with psycopg.connect(address, autocommit=True) as connection:
        for _ in range(TRIPS):
            begun = time.perf_counter()
            connection.execute("SELECT 1")
            taken.append(time.perf_counter() - begun)
    return 1000 * statistics.median(taken)


async def handing_in(folder: Path, sizes: ServerSizes) -> Values:
    """Hand in a batch, and jobs one after another, while nobody works."""
    values: dict[tuple[str, str], float] = {}
    with server(folder) as postgres:
        for system in _in_turn((OWN, *PEERS)):
            slow = system in SLOW
            async with desk(system, settled(postgres), folder, workers=0, lanes=0) as found:
                for part, call, jobs in (
                    ("bulk", "enqueue_many", sizes.handed_in // (10 if system == "dbos" else 1)),
                    ("one-by-one", "enqueue_each", sizes.one_by_one // (5 if slow else 1)),
                ):
                    took = await found.client.ask(call, jobs)
                    values[system, part] = jobs / (took["ended"] - took["begun"])
    return values


async def starts(folder: Path, sizes: ServerSizes) -> Values:
    """Hand in one job at a time to a worker that idles."""
    values: dict[tuple[str, str], float] = {}
    with server(folder) as postgres:
        for system in _in_turn((OWN, *THOSE_HEARD)):
            async with desk(system, settled(postgres), folder, workers=1, lanes=LANES) as found:
                delays_ms = [1000 * delay for delay in await found.delays_s(sizes.pings)]
            values[system, "start-p50"] = statistics.median(delays_ms)
            values[system, "start-p95"] = p95(delays_ms)
    return values


async def resting(folder: Path, sizes: ServerSizes) -> Values:
    """Let jobs wait in as many lanes as there are."""
    values: dict[tuple[str, str], float] = {(IDEAL, "resting"): RESTERS * REST_LANES / REST_S}
    with server(folder) as postgres:
        for system in _in_turn((OWN, *THOSE_HEARD)):
            lanes = REST_LANES // (2 if system == BARE else 1)  # it runs twice what it fetches
            address = settled(postgres)
            async with desk(system, address, folder, workers=RESTERS, lanes=lanes) as found:
                values[system, "resting"] = await found.drain(sizes.resting, "rest")
    return values


async def beside_kept(folder: Path, sizes: ServerSizes) -> Values:
    """Drain in turns from a database without, and from one with, jobs that have ended."""
    rates: dict[str, list[float]] = {"kept-none": [], "kept-many": []}
    with server(folder) as postgres:
        addresses = {part: postgres.fresh("FULL") for part in rates}
        for part, address in addresses.items():
            async with desk(OWN, address, folder, workers=0, lanes=0):
                pass  # makes the tables
            keep(address, sizes.kept if part == "kept-many" else 0)
        for turn in range(sizes.turns):
            for part in (list(rates), list(rates)[::-1])[turn % 2]:
                address = addresses[part]
                statement(address, "CHECKPOINT")
                async with desk(OWN, address, folder, workers=1, lanes=LANES, made=True) as found:
                    rates[part].append(await found.drain(sizes.queued))
    return {(OWN, part): statistics.median(found) for part, found in rates.items()}
