"""What changing thousands of texts in one transaction takes, and how long others wait for it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from threading import Event, Thread
from typing import Self

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import both, ended, no_worker, server
from tests.benchmarks.sites import site_of

END_S = 600.0
TEXT_BYTES = 2_000
BETWEEN_S = 0.001
"""Between two tries to write: short beside what is measured."""


async def at_once(folder: Path, sizes: ServerSizes) -> Values:
    """Draft a site, and promote all of it with a digest while somebody else wants to write."""
    root = site_of(folder / "site", sizes.reviewed, text_bytes=TEXT_BYTES, composer_delay_s=0)
    async with both(root) as (serving, _):
        answer = await serving.desk.call("generate-all")
        await ended(root, answer["batchId"], seconds=END_S)
    async with no_worker(root), server(root) as serving:
        shown = await serving.desk.call("promote", dryRun=True)
        with Writer(root / ".pressroom" / "pressroom.db") as writer:
            begun = time.perf_counter()
            done = await serving.desk.call("promote", digest=shown["digest"])
            taken = (time.perf_counter() - begun) * 1000
        assert done["queuedSections"] == sizes.reviewed, done
    return {(OWN, "at-once-call"): taken, (OWN, "at-once-wait"): writer.longest_ms}


class Writer:
    """Another process's wish to write, again and again: how long it waits at most."""

    def __init__(self, database: Path) -> None:
        self._database, self._over = database, Event()
        self._thread = Thread(target=self._write)
        self.longest_ms = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        connection = sqlite3.connect(self._database, timeout=END_S, isolation_level=None)
        while not self._over.wait(BETWEEN_S):
            begun = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            self.longest_ms = max(self.longest_ms, (time.perf_counter() - begun) * 1000)
        connection.close()
