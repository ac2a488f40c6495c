"""What befalls machines that share a database, drawn by a seed and counted."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random

from mcp_server.storage.postgres.connection import STILL_S
from tests.benchmarks.postgres import Postgres
from tests.faults.postgres.machines import Machine
from tests.faults.postgres.proxy import Proxy
from tests.faults.postgres.server import (
    end_connections,
    freeze,
    kill_all,
    kill_one,
)
from tests.faults.processes import kill, workers
from tests.waiting import wait_until

LEASE_S = 2.0
FREEZE_S = (0.02, 0.3, 1.0, LEASE_S + 1, LEASE_S + 2)
"""From within a transaction to well past the lease, also with a rescue after it."""
SILENT_S = (0.1, 1.0, LEASE_S + 1)
LONG_S = STILL_S + 1.0
"""Of one in ten: so long that the database undoes a transaction that stands still."""
BYTES = (1, 100, 1_000, 10_000, 100_000)
"""From within the first message to within the rows of a claim."""

Strokes = Mapping[Callable[[], None], int]
"""What may be done, and how often."""


class Strikes:
    """Strikes at a site's machines, the connections of some, and their database."""

    def __init__(
        self,
        machines: Sequence[Machine],
        postgres: Postgres,
        proxy: Proxy,
        address: str,
        rng: Random,
        struck: Counter[str],
    ) -> None:
        """`address`: by which the database is reached past the proxy."""
        self._machines, self._postgres, self._proxy = machines, postgres, proxy
        self._address, self._rng, self._struck = address, rng, struck
        self._later: list[threading.Timer] = []
        self._told: list[tuple[float, str]] = []
        self._at_workers: Strokes = {self._kill_workers: 5, self._freeze_worker: 4}
        self._at_calls: Strokes = {
            self._kill_server: 4,
            self._freeze_server: 2,
            self._kill_database: 2,
            self._kill_backend: 1,
            self._stop_database: 1,
            self._freeze_database: 2,
            self._end_connections: 2,
            self._cut_after_bytes: 5,
            self._cut_commit: 4,
            self._cut_all: 1,
            self._silence: 3,
        }

    def strike(self) -> None:
        """Do one of all that may be done."""
        self._do({**self._at_workers, **self._at_calls})

    def strike_a_call(self) -> None:
        """Do one of what a call that is under way may notice."""
        self._do(self._at_calls)

    def _do(self, of: Strokes) -> None:
        [what] = self._rng.choices([*of], [*of.values()])
        self._told.append((time.time(), what.__name__))
        what()
        self._note("strikes")

    def tell(self) -> None:
        """Print what was done, and when."""
        for at, what in self._told:
            print(f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f} {what}")

    def pause(self, seconds: float) -> None:
        """Let the others go on for so long."""
        until = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= until)

    def over(self) -> None:
        """Wait until nobody stands still any more."""
        for timer in self._later:
            timer.join()
        self._later.clear()

    def _soon(self, seconds: float, what: Callable[[], None]) -> None:
        """Do something meanwhile, so that others can be struck before."""
        timer = threading.Timer(seconds, what)
        timer.start()
        self._later.append(timer)

    def _drawn(self, seconds: Sequence[float]) -> float:
        return LONG_S if self._rng.random() < 0.1 else self._rng.choice(seconds)

    def _note(self, what: str, times: int = 1) -> None:
        self._struck[what] += times

    # Processes of ours

    def _kill_workers(self) -> None:
        for pid in self._workers():
            if self._rng.random() < 0.6:
                kill(pid)
                self._note("workers killed")

    def _freeze_worker(self) -> None:
        if found := self._workers():
            self._freeze(self._rng.choice(found))
            self._note("workers stopped")

    def _kill_server(self) -> None:
        chat = self._rng.choice(self._machines).chat
        if chat is not None and chat.process.poll() is None:
            kill(chat.process.pid)
            self._note("servers killed")

    def _freeze_server(self) -> None:
        chat = self._rng.choice(self._machines).chat
        if chat is not None and chat.process.poll() is None:
            self._freeze(chat.process.pid)
            self._note("servers stopped")

    def _freeze(self, pid: int) -> None:
        kill(pid, signal.SIGSTOP)
        self._soon(self._drawn(FREEZE_S), lambda: kill(pid, signal.SIGCONT))

    def _workers(self) -> Sequence[int]:
        return [pid for root in {each.root for each in self._machines} for pid in workers(root)]

    # The database

    def _kill_database(self) -> None:
        kill_all(self._postgres)
        self._note("databases killed")

    def _kill_backend(self) -> None:
        if kill_one(self._postgres, self._address, self._rng):
            self._note("processes of the database killed")

    def _stop_database(self) -> None:
        self._postgres.stop()
        self.pause(self._rng.choice((0, 0.5, 2)))
        self._postgres.start(self._postgres.settings)
        self._note("databases stopped at once")

    def _freeze_database(self) -> None:
        frozen = freeze(self._postgres)
        self.pause(self._rng.choice(FREEZE_S))
        for pid in frozen:
            kill(pid, signal.SIGCONT)
        self._note("databases frozen")

    def _end_connections(self) -> None:
        self._note("connections ended", end_connections(self._address, self._rng))

    # What is between

    def _cut_after_bytes(self) -> None:
        side = self._rng.choice(("client", "server"))
        self._proxy.cut(side, self._rng.randrange(self._rng.choice(BYTES)))

    def _cut_commit(self) -> None:
        self._proxy.cut("server", "commit")

    def _cut_all(self) -> None:
        self._proxy.cut_all()

    def _silence(self) -> None:
        self._proxy.fall_silent()
        lost = self._rng.random() < 0.5
        self._soon(self._drawn(SILENT_S), lambda: self._proxy.speak(lost=lost))
        self._note("silences, all lost" if lost else "silences")
