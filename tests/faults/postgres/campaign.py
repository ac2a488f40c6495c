"""Machines that work one site of a shared database, while everything that may die does.

A round is one request, made of both machines' servers under one key, again and again until each
has answered. What it queues must end as if nothing had been: see `site`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.benchmarks.postgres import Postgres, running
from tests.faults.postgres.proxy import Proxy
from tests.faults.postgres.server import socket_of
from tests.faults.postgres.site import StruckSite

ROUNDS_PER_SITE = 10
"""So many on one site; looking it over takes longer each time."""


def run(folder: Path, *, rounds: int, seed: int, quiet: bool = True) -> Counter[str]:
    """Strike at sites in so many rounds; return what was done."""
    rng, struck = Random(seed), Counter[str]()
    with _database() as postgres, Proxy(socket_of(postgres)).listening() as proxy:
        for first in range(0, rounds, ROUNDS_PER_SITE):
            place = folder / f"site{first}"
            with StruckSite.made(place, postgres, proxy, rng, struck) as site:
                for number in range(first, min(rounds, first + ROUNDS_PER_SITE)):
                    began, before = time.monotonic(), struck.copy()
                    did = site.round()
                    struck["connections cut"] = proxy.made
                    if not quiet:
                        told = f"{number + 1}/{rounds}: {did}, {time.monotonic() - began:.1f} s"
                        print(f"{told}: {dict(struck - before)}", flush=True)
    return struck


@contextmanager
def _database() -> Generator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="pressroom-postgres-"))
    try:
        # Nobody pulls the plug of this machine; and a server that is killed loses nothing by it.
        with running(folder, fsync="off") as postgres:
            yield postgres
    finally:
        shutil.rmtree(folder, ignore_errors=True)
