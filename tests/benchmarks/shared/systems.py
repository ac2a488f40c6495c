"""What is measured on one server: our queue, and those of other projects that keep theirs there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import parse_qs, urlsplit

import psycopg

from tests.benchmarks.postgres import Postgres, running
from tests.wire import own_module

BARE = "pgqueuer"
"""The fastest of the others: a ticket that is deleted at its end, without a row that stays."""
SLOW = ("procrastinate", "dbos")
NEEDS = {BARE: (BARE, "asyncpg"), "procrastinate": ("procrastinate",), "dbos": ("dbos",)}
PEERS = tuple(name for name, needs in NEEDS.items() if all(map(find_spec, needs)))
"""Those that are installed."""
THOSE_HEARD = tuple(name for name in PEERS if name != "dbos")
"""They are told of jobs by the database; DBOS looks for them."""
BARES = tuple(name for name in PEERS if name == BARE)
LANES = 50
LINE = "tests.benchmarks.shared.line"
LINE_S = 0.0005
"""Each way: a round trip of a millisecond, as between two machines that are not far apart."""


@contextmanager
def server(folder: Path, **settings: str) -> Generator[Postgres]:
    """Run a server of its own, with its own defaults beside these settings."""
    data = folder / "pg"
    data.mkdir()
    folder.parent.chmod(0o755)  # it may run as another user
    with running(data, **settings) as found:
        yield found


@contextmanager
def line(address: str, seconds: float = LINE_S) -> Generator[str]:
    """Give the address of the same database at the other end of such a line."""
    parts = urlsplit(address)
    command, variables = own_module(LINE, parse_qs(parts.query)["host"][0], str(seconds))
    with Popen(command, stdin=PIPE, stdout=PIPE, env=variables) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"postgresql://postgres@127.0.0.1:{port}{parts.path}?sslmode=disable"
        process.kill()


def statement(address: str, *statements: str) -> list[tuple[float, ...]]:
    """Run statements, each for itself; return the rows of the last."""
    with psycopg.connect(address, autocommit=True) as connection:
        rows: list[tuple[float, ...]] = []
        for text in statements:
            cursor = connection.execute(text.encode())
            rows = cursor.fetchall() if cursor.description is not None else []
        return rows


def settled(postgres: Postgres) -> str:
    """Return a fresh database, once what earlier ones have left to be written is on the disk."""
    address = postgres.fresh("FULL")
    statement(address, "CHECKPOINT")
    return address
