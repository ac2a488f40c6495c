"""Many sites in one database: what one takes, and whether the others make it slower."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import anyio.to_thread

from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.migrate import migrate
from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.shared.desk import desk
from tests.benchmarks.shared.systems import LANES, server, settled, statement

SIZE = "SELECT pg_database_size(current_database())"
CONNECTED = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'pressroom'"
    " AND datname = current_database()"
)


async def many_sites(folder: Path, sizes: ServerSizes) -> Values:
    """Make them, and drain in one of them before and after."""
    rates: dict[str, float] = {}
    made_ms: list[float] = []
    with server(folder) as postgres:
        address = settled(postgres)
        async with desk(OWN, address, folder, workers=1, lanes=LANES) as found:
            await found.drain(sizes.queued)  # what is measured is not the first
            rates["sites-drain-one"] = await found.drain(sizes.queued)
        [(before,)] = statement(address, "CHECKPOINT", SIZE)
        for number in range(sizes.sites):
            begun = time.perf_counter()
            await anyio.to_thread.run_sync(migrate, address, _schema(number))
            made_ms.append(1000 * (time.perf_counter() - begun))
        [(after,)] = statement(address, "CHECKPOINT", SIZE)
        async with desk(OWN, address, folder, workers=1, lanes=LANES, made=True) as found:
            await found.drain(sizes.queued)
            rates["sites-drain-all"] = await found.drain(sizes.queued)
            found.clients.pop().end()
            [worker] = found.workers
            worker_mb = (await worker.report()).peak_kb / 1024
            connections_mb = sum(own_mb(int(pid)) for (pid,) in statement(address, CONNECTED))
        begun = time.perf_counter()
        async with PostgresDatabase.open(address, _schema(sizes.sites - 1)):
            opened_ms = 1000 * (time.perf_counter() - begun)
    last = made_ms[-max(1, len(made_ms) // 10) :]
    return {(OWN, part): rate for part, rate in rates.items()} | {
        (OWN, "site-made"): statistics.median(made_ms),
        (OWN, "site-made-last"): statistics.median(last),
        (OWN, "site-disk"): (after - before) / 1024 / sizes.sites,
        (OWN, "site-opened"): opened_ms,
        (OWN, "site-worker"): worker_mb,
        (OWN, "site-connections"): connections_mb,
    }


def _schema(number: int) -> str:
    return f"pressroom_site_{number}"


def own_mb(pid: int) -> float:
    """Return the memory that a process has to itself."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
