"""One site in a shared database, and the machines on which processes work it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.harness import small_site
from tests.storage.postgres_server import server
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import command, environment, own_module

QUICK: Mapping[str, object] = {"lease_s": 2, "heartbeat_s": 0.5, "composer_delay_s": 0.2}
"""A machine that is lost is noticed soon."""


@dataclass(frozen=True)
class Site:
    """A site's place in a database."""

    address: str
    id: str
    _processes: ExitStack = field(default_factory=ExitStack)

    @classmethod
    @contextmanager
    def made(cls, name: str, address: str | None = None) -> Generator[Site]:
        """Yield a place of its own; in the end its processes are ended, and what it holds goes."""
        id = id_of(name)
        made = cls(address or server(), id)
        try:
            with made._processes:
                yield made
        finally:
            with psycopg.connect(made.address, autocommit=True) as connection:
                schema = sql.Identifier(f"pressroom_{id}")
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))

    @property
    def variables(self) -> dict[str, str]:
        """What names the place, to every process of the site."""
        return {"PRESSROOM_DATABASE": self.address, "PRESSROOM_WORKSPACE_ID": self.id}

    def checkout(self, folder: Path, pages: Mapping[str, int], **settings: object) -> Path:
        """Make the site's folder on one more machine."""
        return small_site(folder, pages, **{**QUICK, **settings})

    def worker(
        self, root: Path, name: str, *, ahead_s: float = 0.0, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker on the machine of this name; wait until it has announced itself."""
        line, environ = own_module(
            "tests.shared.machine", name, str(ahead_s), "worker", "--workspace", str(root)
        )
        log = self._processes.enter_context((root.parent / f"{name}.log").open("ab"))
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environ | self.variables | variables,
        )
        self._processes.callback(_ended, process)
        wait_until(lambda: process.pid in self.announced() or process.poll() is not None)
        assert process.poll() is None, (root.parent / f"{name}.log").read_text()
        return process

    def announced(self) -> Sequence[int]:
        """Return the processes of the workers that have announced themselves."""
        with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return [pid for (pid,) in self.rows("SELECT pid FROM hosts WHERE role = 'worker'")]
        return []

    def pressroom(self, root: Path, *arguments: str, **variables: str) -> str:
        """Run `pressroom` on this machine to its end; return what it printed."""
        done = subprocess.run(
            command(*arguments, "--workspace", str(root)),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env=environment(**self.variables | variables),
            check=False,
        )
        assert done.returncode in {0, 1}, done.stderr
        return done.stdout

    def queued(self, root: Path, *arguments: str, **variables: str) -> str:
        """Ask for work at the terminal; return the id of its batch."""
        answer = json.loads(self.pressroom(root, *arguments, "--json", **variables))
        return answer["batchId"]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what a query finds in the place, past all our own code."""
        return self._rows(f"-c search_path=pressroom_{self.id}", query, values)

    def rows_anywhere(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what a query finds on the server, whether the place is there or not."""
        return self._rows("", query, values)

    def _rows(self, options: str, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.address, autocommit=True, options=options) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def state(self, batch_id: str) -> str:
        """Return where a batch stands."""
        asked = (
            "SELECT state FROM rounds JOIN batches ON batches.id = rounds.batch"
            " AND batches.round = rounds.number WHERE batch_id = %s"
        )
        return self.rows(asked, batch_id)[0][0]

    def wait_ended(self, batch_id: str) -> None:
        """Wait until a batch has completed."""
        ended = ("completed", "failed", "cancelled", "paused")
        wait_until(lambda: self.state(batch_id) in ended)
        assert self.state(batch_id) == "completed"

    def written(self) -> Sequence[tuple[str, int]]:
        """Return how often each section was drafted."""
        return self.rows(
            "SELECT entity_id, count(*) FROM revisions"
            " WHERE type LIKE '%%preview' AND effective = 1"
            ' GROUP BY entity_id ORDER BY entity_id COLLATE "C"'
        )

    def seen(self) -> float:
        """Return the time, by the server's clock."""
        return float(self.rows_anywhere("SELECT extract(epoch FROM clock_timestamp())")[0][0])


def id_of(name: str) -> str:
    """Return what the site of a test is called in a database."""
    return f"s_{hashlib.blake2b(name.encode(), digest_size=12).hexdigest()}"


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    process.kill()
    process.wait()
