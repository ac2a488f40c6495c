"""What may happen to a database server: each returns once it answers again, or cannot yet."""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.benchmarks.postgres import Postgres
from tests.faults.processes import children, kill, processes
from tests.waiting import wait_until


def socket_of(postgres: Postgres) -> Path:
    """Return where it listens."""
    return postgres.data.parent / ".s.PGSQL.5432"


def processes_of(postgres: Postgres) -> Sequence[int]:
    """Return its processes, the first one first."""
    first = int((postgres.data / "postmaster.pid").read_text().split()[0])
    return [first, *(process.pid for process in children(first))]


def kill_all(postgres: Postgres) -> None:
    """Kill all processes at once, and start the server again."""
    killed = processes_of(postgres)
    for pid in killed:
        kill(pid)
    wait_until(lambda: not {*killed} & _living())
    # A process that nobody has collected yet would pass for a server that runs.
    for left in (postgres.data / "postmaster.pid", socket_of(postgres).with_suffix(".5432.lock")):
        left.unlink(missing_ok=True)
    postgres.start(postgres.settings)


def kill_one(postgres: Postgres, address: str, rng: random.Random) -> bool:
    """Kill a process that serves a connection: the server ends all others too, and recovers."""
    serving = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pressroom'"
    with psycopg.connect(address, autocommit=True) as connection:
        found = [pid for (pid,) in connection.execute(serving)]
        if not found:
            return False
        kill(rng.choice(found))
        with suppress(psycopg.OperationalError):  # until it is ended likewise
            wait_until(lambda: connection.execute("SELECT 1").fetchone() is None)
    wait_until(lambda: _answers(address))
    return True


def end_connections(address: str, rng: random.Random) -> int:
    """End some connections, as an administrator may; return how many."""
    ended = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'pressroom' AND random() < %s"
    )
    with psycopg.connect(address, autocommit=True) as connection:
        row = connection.execute(ended, [rng.uniform(0.2, 1)]).fetchone()
    return row[0] if row else 0


def freeze(postgres: Postgres) -> Sequence[int]:
    """Let all its processes stand still; return them."""
    frozen = processes_of(postgres)
    kill(frozen[0], signal.SIGSTOP)  # it makes no others then
    frozen = processes_of(postgres)
    for pid in frozen:
        kill(pid, signal.SIGSTOP)
    return frozen


def _living() -> set[int]:
    return {process.pid for process in processes() if not process.state.startswith("Z")}


def _answers(address: str) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(address, connect_timeout=2).close()
        return True
    return False
