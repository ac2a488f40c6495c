"""Two PostgreSQL servers: one leads, the other follows it without being waited for."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.benchmarks.postgres import Postgres, running
from tests.waiting import wait_until

LEADS = "&target_session_attrs=read-write"


class Pair:
    """A server that leads, and one that follows it without being waited for."""

    def __init__(self, one: Postgres, two: Postgres, folders: tuple[str, str]) -> None:
        self._one, self._two, self.folders = one, two, folders
        own = [f"postgresql://postgres@/postgres?host={folder}" for folder in folders]
        self.first, self.second = own
        self.both = f"postgresql://postgres@/postgres?host={','.join(folders)}{LEADS}"

    def cut_off(self) -> None:
        """Let the second hear no more of the first."""
        self.catch_up()
        _run(self.second, "ALTER SYSTEM SET primary_conninfo = ''")
        _run(self.second, "SELECT pg_reload_conf()")
        asked = "SELECT count(*) FROM pg_stat_wal_receiver"
        wait_until(lambda: _run(self.second, asked) == [(0,)])

    def take_over(self) -> None:
        """Lose the first; the second leads."""
        self._one.stop()
        self._two.promote()

    def catch_up(self) -> None:
        """Wait until the second has all that the first has."""
        [(at,)] = _run(self.first, "SELECT CAST(pg_current_wal_lsn() AS text)")
        asked = f"SELECT pg_last_wal_replay_lsn() >= CAST('{at}' AS pg_lsn)"
        wait_until(lambda: _run(self.second, asked) == [(True,)])


def _run(address: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@contextmanager
def pair_of_servers() -> Generator[Pair]:
    """Run both."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as first,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as second,
        running(Path(first), fsync="off") as one,
        one.standby(Path(second)) as two,
    ):
        yield Pair(one, two, (first, second))
