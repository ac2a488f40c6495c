"""Strike at random, many times: `python -m tests.faults.campaign --rounds 200 [--seed N]`.

Each round queues one kind of work and kills (SIGKILL) or freezes (SIGSTOP, later SIGCONT) workers
and servers while it is handed in and while it runs; then it must end as if nothing had been, and
the database must be sound. Jobs are quick and many, so that strikes fall into transactions; of two
sites in turn, one is worked by one worker at a time and one by several.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from mcp_server.entities.page_files import bytes_hash
from tests.faults.invariants import assert_sound, ended
from tests.faults.processes import (
    Moment,
    end_workers,
    has_ended,
    hasty_site,
    kill,
    queued,
    reach,
    seed,
    state,
    wait_ended,
    workers,
)
from tests.harness import content
from tests.waiting import wait_until
from tests.wire import Pipe, pipe, query

PAGES, SECTIONS = 20, 15
JOBS = PAGES * SECTIONS
WORK = ("generate-all", "promote", "rollback")
ROUNDS_PER_SITE = 4 * len(WORK)
"""So many on one site, which ends as empty as it began; looking it over takes longer each time."""

FREEZE_S = (0.02, 2.5)
"""From within a transaction to well past the lease; and more than once past it with ..."""
LONG_FREEZE_S = 6.0
"""... this one, which is also past the time for which others wait for the lock."""


def main() -> None:
    """Run the campaign of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    chosen = seed() if options.seed is None else options.seed
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        struck = run(Path(folder), rounds=options.rounds, seed=chosen, quiet=False)
    print(f"{options.rounds} rounds in {time.monotonic() - began:.0f} s, seed {chosen}: {struck}")


@dataclass(frozen=True)
class Struck:
    """What was done to whom, and what it cost."""

    count: Counter[str] = field(default_factory=Counter[str])

    def __str__(self) -> str:
        return ", ".join(f"{what} {n}" for what, n in sorted(self.count.items()))


def run(
    folder: Path,
    *,
    rounds: int,
    seed: int,
    per_site: int = ROUNDS_PER_SITE,
    quiet: bool = True,
) -> Struck:
    """Make sites, strike at their processes so many times; return what was done."""
    rng, struck = random.Random(seed), Struck()
    for first in range(0, rounds, per_site):
        root = folder / f"site{first}"
        several = (first // per_site) % 2 == 1
        hasty_site(
            root,
            PAGES,
            SECTIONS,
            composer_delay_s=0,
            concurrency=8,
            crashes_max=1000,
            several_workers=several,
        )
        try:
            for number in range(first, min(rounds, first + per_site)):
                began, before = time.monotonic(), struck.count.copy()
                tool, nth = WORK[number % len(WORK)], number - first + 1
                _Round(root, tool, nth, rng, struck.count, servers=2 if several else 1).run()
                if not quiet:
                    took, done = time.monotonic() - began, Struck(struck.count - before)
                    print(f"{number + 1}/{rounds}: {tool}, {took:.1f} s: {done}", flush=True)
        except (AssertionError, TimeoutError):
            for log in (folder / f"{root.name}.stderr", root / ".pressroom" / "worker.log"):
                print(f"{log.name} ends:", log.read_text()[-4000:], sep="\n")
            raise
        finally:
            end_workers(root)
    return struck


class _Round:
    """One batch, from the call to its end."""

    def __init__(
        self,
        root: Path,
        tool: str,
        number: int,
        rng: random.Random,
        struck: Counter[str],
        *,
        servers: int,
    ) -> None:
        self._root, self._tool, self._number = root, tool, number
        self._rng, self._struck = rng, struck
        self._arguments = {"requestKey": f"round {number}"}
        if tool == "generate-all":
            self._arguments["mode"] = "new"
        self._open = ExitStack()
        self._servers = [self._serve() for _ in range(servers)]

    def run(self) -> None:
        """Queue the work, strike, let it end, and look at everything."""
        with self._open:
            batch = self._hand_in()
            for _ in range(self._rng.randint(1, 4)):
                reach(self._root, batch, self._moment())
                self._strike()
                if has_ended(self._root, batch):
                    break
            wait_ended(self._root, batch)
            self._check(batch)

    def _moment(self) -> Moment:
        return Moment(self._rng.randrange(JOBS), self._rng.uniform(0, 0.05))

    def _hand_in(self) -> str:
        """Call the tool; at times its server dies over it, and another is asked the same."""
        if self._rng.random() < 0.25:
            server = self._rng.randrange(len(self._servers))
            self._servers[server].call_soon(self._tool, **self._arguments)
            until = time.monotonic() + self._rng.uniform(0, 0.15)
            wait_until(lambda: time.monotonic() >= until)
            self._kill_server(server)
        return queued(self._rng.choice(self._servers), self._tool, **self._arguments)

    def _strike(self) -> None:
        """Kill or freeze the workers, a server, or both."""
        whom = self._rng.choices(("workers", "server", "both"), (6, 2, 2))[0]
        if self._rng.random() < 0.4:
            self._freeze(whom)
            return
        if whom != "server":
            for pid in workers(self._root):
                if self._rng.random() < 0.8:
                    kill(pid)
                    self._struck["workers killed"] += 1
        if whom != "workers":
            self._kill_server(self._rng.randrange(len(self._servers)))

    def _freeze(self, whom: str) -> None:
        pids = workers(self._root) if whom != "server" else []
        self._struck["workers frozen"] += len(pids)
        if whom != "workers":
            pids.append(self._rng.choice(self._servers).process.pid)
            self._struck["servers frozen"] += 1
        for pid in pids:
            kill(pid, signal.SIGSTOP)
        long = self._rng.random() < 0.05
        until = time.monotonic() + (LONG_FREEZE_S if long else self._rng.uniform(*FREEZE_S))
        wait_until(lambda: time.monotonic() >= until)
        for pid in pids:
            kill(pid, signal.SIGCONT)

    def _kill_server(self, which: int) -> None:
        kill(self._servers[which].process.pid)
        self._struck["servers killed"] += 1
        self._servers[which] = self._serve()

    def _serve(self) -> Pipe:
        chat = self._open.enter_context(pipe(self._root, "auto"))
        chat.begin()
        return chat

    def _check(self, batch: str) -> None:
        assert_sound(self._root)
        made = query(self._root, "SELECT count(*) FROM batches")
        assert made == [(self._number,)], "asked for twice under one key, made once"
        end = ended(self._root, batch)
        self._struck["attempts lost"] += end.crashes
        self._struck["jobs completed"] += end.completed
        assert (state(self._root, batch), end.completed) == ("completed", JOBS), (self._tool, end)
        assert (end.revisions, end.sections) == (JOBS, JOBS), (self._tool, end)
        if self._tool != "generate-all":
            self._check_files()

    def _check_files(self) -> None:
        """Fail unless there are the right files, as they were recorded, and nothing else."""
        pages = [] if self._tool == "rollback" else [f"p{n}.md" for n in range(1, PAGES + 1)]
        recorded = query(self._root, "SELECT page, hash FROM page_files WHERE hash IS NOT NULL")
        found = content(self._root)
        assert sorted(found) == sorted(pages), sorted(found)
        assert {f"{page}.md": hash for page, hash in recorded} == {
            name: bytes_hash(text) for name, text in found.items()
        }
        hidden = [path.name for path in (self._root / "content").glob(".*")]
        assert hidden == [], hidden


if __name__ == "__main__":
    main()
