"""What it costs that nobody wants anything: those who wait, and the database that they ask."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import anyio

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import server as pressroom
from tests.benchmarks.postgres import Postgres
from tests.benchmarks.serving import SAMPLE_S
from tests.benchmarks.shared.desk import desk
from tests.benchmarks.shared.systems import BARES, LANES, server, settled, statement
from tests.benchmarks.sites import site_of
from tests.harness import trusted

PARTS: Mapping[str, str] = {
    "statements": "a second",
    "own-cpu": "s a minute",
    "database-cpu": "s a minute",
}
SETTLE_S = 2.0
EXTENSION = "pg_stat_statements"
SAID = (
    f"SELECT coalesce(sum(calls), 0) FROM {EXTENSION} JOIN pg_database ON dbid = oid"
    " WHERE datname = '%s'"
)


async def idle(folder: Path, sizes: ServerSizes) -> Values:
    """Watch a worker of ours and one of another queue, then a server of ours with its worker."""
    values: dict[tuple[str, str], float] = {}
    with server(folder, shared_preload_libraries=EXTENSION) as postgres:
        beside = postgres.fresh("FULL")
        statement(beside, f"CREATE EXTENSION {EXTENSION}")
        for system in (OWN, *BARES):
            address = settled(postgres)
            async with desk(system, address, folder, workers=0, lanes=0) as made:
                made.clients.pop().end()  # it would idle too
                await made.start(workers=1, lanes=LANES, made=True)
                made.clients.pop().end()
                await anyio.sleep(min(SETTLE_S, sizes.watched_s))
                [worker] = made.workers
                watch = _Watch(postgres, beside, address)
                first = await worker.report()
                watch.begin()
                await anyio.sleep(sizes.watched_s)
                found = watch.end()
                last = await worker.report()
            own_s = (last.cpu_s - first.cpu_s) / (last.at - first.at) * 60
            values |= _named(system, "worker", found, own_s)
        values |= await _server(folder, sizes, postgres, beside)
    return values


async def _server(
    folder: Path, sizes: ServerSizes, postgres: Postgres, beside: str
) -> dict[tuple[str, str], float]:
    address = settled(postgres)
    site = site_of(folder / "site", 5, worker="embedded", database=address, workspace_id="idle")
    root = trusted(site)
    async with pressroom(root) as serving:
        await anyio.sleep(min(SETTLE_S, sizes.watched_s))
        watch, begun = _Watch(postgres, beside, address), time.monotonic()
        watch.begin()
        await anyio.sleep(max(sizes.watched_s, 2 * SAMPLE_S))
        found, until = watch.end(), time.monotonic()
        await anyio.sleep(SAMPLE_S)
    _, cpu_s = serving.report.between(begun, until)
    return _named(OWN, "server", found, 60 * cpu_s / (until - begun))


def _named(
    system: str, who: str, found: Mapping[str, float], own_s: float
) -> dict[tuple[str, str], float]:
    return {(system, f"idle-{who}-{what}"): value for what, value in found.items()} | {
        (system, f"idle-{who}-own-cpu"): own_s
    }


class _Watch:
    """Counts what a database is asked, and what its server works, between two moments."""

    def __init__(self, postgres: Postgres, beside: str, address: str) -> None:
        """`beside` is the address of another database there, by which it is asked."""
        self._postmaster = int((postgres.data / "postmaster.pid").read_text().split()[0])
        self._beside, self._name = beside, urlsplit(address).path.strip("/")
        self._begun = self._said = self._cpu_s = 0.0

    def begin(self) -> None:
        """Count from now on."""
        self._begun, self._said = time.monotonic(), self._calls()
        self._cpu_s = cpu_s(self._postmaster)

    def end(self) -> Mapping[str, float]:
        """Return what there was since then."""
        worked, took = cpu_s(self._postmaster) - self._cpu_s, time.monotonic() - self._begun
        return {
            "statements": (self._calls() - self._said) / took,
            "database-cpu": 60 * worked / took,
        }

    def _calls(self) -> float:
        [(calls,)] = statement(self._beside, SAID % self._name)
        return float(calls)


def cpu_s(postmaster: int) -> float:
    """Return what a server and all its processes have worked, those that have ended too."""
    ticks = 0
    for pid in (postmaster, *children(postmaster)):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        ticks += sum(map(int, fields[11 : 15 if pid == postmaster else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Return the processes that this one has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
