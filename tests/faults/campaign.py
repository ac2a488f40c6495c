"""Kill at random, many times: `python -m tests.faults.campaign --rounds 200 [--seed N]`.

Each round queues one kind of work and kills the worker, the server, or both while it runs; then it
must end as if nothing had been, and the database must be sound.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults.invariants import assert_sound, ended
from tests.faults.processes import (
    Moment,
    end_workers,
    has_ended,
    hasty_site,
    kill,
    processes,
    queued,
    reach,
    seed,
    state,
    wait_ended,
    workers,
)
from tests.harness import content
from tests.wire import Pipe, pipe

PAGES, SECTIONS = 4, 5
WORK = ("generate-all", "promote", "rollback")


def main() -> None:
    """Run the campaign of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    chosen = seed() if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder) / "site", rounds=options.rounds, seed=chosen, quiet=False)


def run(root: Path, *, rounds: int, seed: int, quiet: bool = True) -> int:
    """Make a workspace and kill its processes so many times; return how many died."""
    rng, dead = random.Random(seed), 0
    hasty_site(root, PAGES, SECTIONS, composer_delay_s=0.1, crashes_max=1000)
    try:
        for number in range(rounds):
            began = time.monotonic()
            tool = WORK[number % len(WORK)]
            killed = _round(root, tool, rng)
            dead += len(killed)
            if not quiet:
                took = time.monotonic() - began
                print(f"round {number + 1}/{rounds}: {tool}, {len(killed)} killed, {took:.1f} s")
    except (AssertionError, TimeoutError):
        for log in (root.parent / f"{root.name}.stderr", root / ".pressroom" / "worker.log"):
            print(f"{log.name} ends:", log.read_text()[-4000:], sep="\n")
        raise
    finally:
        end_workers(root)
    return dead


def _round(root: Path, tool: str, rng: random.Random) -> list[int]:
    """Queue the work, kill, let it end, and look at everything."""
    killed: list[int] = []
    with ExitStack() as servers:
        chat = _server(root, servers)
        batch = queued(chat, tool, **({"mode": "new"} if tool == "generate-all" else {}))
        for _ in range(rng.randint(1, 3)):
            jobs = PAGES * SECTIONS
            reach(root, batch, Moment(rng.randrange(jobs), rng.uniform(0, 0.15)))
            targets = workers(root) if rng.random() < 0.8 else []
            if not targets or rng.random() < 0.3:
                targets.append(chat.process.pid)
            for pid in targets:
                kill(pid)
            killed += targets
            if chat.process.pid in targets:
                chat = _server(root, servers)
            if has_ended(root, batch):
                break
        wait_ended(root, batch)
    _check(root, tool, batch)
    return killed


def _server(root: Path, servers: ExitStack) -> Pipe:
    chat = servers.enter_context(pipe(root, "auto"))
    chat.begin()
    return chat


def _check(root: Path, tool: str, batch: str) -> None:
    assert_sound(root)
    end = ended(root, batch)
    sections = PAGES * SECTIONS
    assert (state(root, batch), end.completed) == ("completed", sections), (tool, end)
    assert (end.revisions, end.sections) == (sections, sections), (tool, end)
    files = [] if tool == "rollback" else [f"p{n}.md" for n in range(1, PAGES + 1)]
    if tool != "generate-all":
        assert sorted(content(root)) == files, (tool, sorted(content(root)))
        hidden = [path.name for path in (root / "content").glob(".*")]
        assert hidden == [], (tool, hidden, [p for p in processes() if str(p.pid) in str(hidden)])


if __name__ == "__main__":
    main()
