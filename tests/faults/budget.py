"""Spend while somebody kills who spends: `python -m tests.faults.budget --runs 100 [--seed N]`.

Each run drafts two batches at once, within a budget for each and one for the day, by a provider
that keeps a bill, with several workers or one; of its sites each sees some runs. Some answers do
not fit, some are cut off after they were charged; workers are killed (SIGKILL) while requests are
under way. When nothing goes on by itself any more:

- nothing that the provider has charged is above a budget, nor is the ledger;
- each closed entry is one bill of the provider's, to the token;
- bills without one are covered by entries that are open: the ledger is never below the provider.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.entities.usage import NANO
from tests.billing import MODEL, Provider, provider
from tests.faults.processes import ENDED, end_workers, kill, queued, seed, state, workers
from tests.harness import small_site, trusted
from tests.waiting import wait_until
from tests.wire import pipe, query

PER_SITE = 10
"""So many runs on one site: what was entered before must not change."""
SECTIONS = 8
ANSWER_TOKENS = 1_000
REQUEST_USD = 0.025
"""About what a request reserves; it costs about 0.012."""


def main() -> None:
    """Run the campaign of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    chosen = seed() if options.seed is None else options.seed
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        count = run(Path(folder), runs=options.runs, seed=chosen, quiet=False)
    told = ", ".join(f"{what} {n:,}" for what, n in sorted(count.items()))
    print(f"{options.runs} runs in {time.monotonic() - began:.0f} s, seed {chosen}: {told}")


def run(
    folder: Path,
    *,
    runs: int,
    seed: int,
    per_site: int = PER_SITE,
    kills: int | None = None,
    quiet: bool = True,
) -> Counter[str]:
    """Spend so many times; return what was counted. Without `kills`, none, one or two are drawn."""
    rng, count = random.Random(seed), Counter[str]()
    for first in range(0, runs, per_site):
        plan = Plan.drawn(rng, min(per_site, runs - first))
        with provider(rng=random.Random(rng.random()), **plan.traits) as paid:
            site = _Site(folder / f"site{first}", plan, paid, rng, count)
            with site.served():
                for number in range(plan.runs):
                    began, before = time.monotonic(), count.copy()
                    site.run(number, rng.choice((0, 1, 1, 2)) if kills is None else kills)
                    if not quiet:
                        took, done = time.monotonic() - began, dict(count - before)
                        print(f"{first + number + 1}/{runs}: {took:.1f} s, {done}", flush=True)
    return count


@dataclass(frozen=True)
class Plan:
    """What the runs of one site are like."""

    runs: int
    workers_at_once: bool
    batch_usd: tuple[float, ...]
    day_usd: float
    trouble: float

    @classmethod
    def drawn(cls, rng: random.Random, runs: int) -> Plan:
        """Return one, in which some of the sections can be paid for, or all of them."""
        of_batches = tuple(rng.uniform(2, 12) * REQUEST_USD for _ in range(2 * runs))
        return cls(
            runs=runs,
            workers_at_once=rng.random() < 0.5,
            batch_usd=of_batches,
            day_usd=rng.uniform(0.5, 1.2) * sum(of_batches),
            trouble=rng.choice((0.0, 0.2)),
        )

    @property
    def traits(self) -> dict[str, Any]:
        """What the provider is like."""
        return {"seconds": 0.15, "trouble": self.trouble, "tokens": 600}


class _Site:
    """A workspace with a page for each batch, its servers, and what was spent on it so far."""

    def __init__(
        self, root: Path, plan: Plan, paid: Provider, rng: random.Random, count: Counter[str]
    ) -> None:
        self._plan, self._paid, self._rng, self._count = plan, paid, rng, count
        self._batches: dict[str, str] = {}
        self._killed, self._noted = 0, Counter[str]()
        self._pages = [f"p{n}" for n in range(2 * plan.runs)]
        self._root = small_site(
            root,
            dict.fromkeys(self._pages, SECTIONS),
            synchronous="NORMAL",
            lease_s=1,
            heartbeat_s=0.3,
            concurrency=8,
            crashes_max=1000,
            several_workers=plan.workers_at_once,
            model=MODEL,
        )
        with (root / "pressroom.toml").open("a", encoding="utf-8") as file:
            print("[budget]", file=file)
            print(f"day_usd = {plan.day_usd}", file=file)
            print(f"answer_tokens = {ANSWER_TOKENS}", file=file)
        trusted(root)

    @contextmanager
    def served(self) -> Generator[None]:
        """Run its servers, one for each batch of a run where several workers may work."""
        with ExitStack() as stack:
            stack.callback(end_workers, self._root)
            servers = 2 if self._plan.workers_at_once else 1
            pipes = [pipe(self._root, "auto", **self._paid.environ) for _ in range(servers)]
            self._servers = [stack.enter_context(each) for each in pipes]
            for server in self._servers:
                server.begin()
            yield

    def run(self, number: int, kills: int) -> None:
        """Queue two batches, kill workers, wait until nothing goes on, look at every entry."""
        for place in (2 * number, 2 * number + 1):
            server = self._servers[place % len(self._servers)]
            page, usd = self._pages[place], self._plan.batch_usd[place]
            self._batches[page] = queued(server, "generate", page=page, maxCostUsd=usd)
        for _ in range(kills):
            self._kill()
        wait_until(self._rests)
        self._check()

    def _kill(self) -> None:
        """Kill the workers, some requests from now and a moment later."""
        heard = len(self._paid.limits) + self._rng.randint(1, 8)
        wait_until(lambda: len(self._paid.limits) >= heard or self._rests())
        until = time.monotonic() + self._rng.uniform(0, 0.2)
        wait_until(lambda: time.monotonic() >= until)
        for pid in workers(self._root):
            kill(pid)
            self._killed += 1
            self._count["workers killed"] += 1

    def _rests(self) -> bool:
        """Whether nothing goes on by itself."""
        still = {*ENDED, "paused"}
        running = "SELECT count(*) FROM jobs WHERE state = 'processing'"
        states = [state(self._root, batch) for batch in self._batches.values()]
        return set(states) <= still and query(self._root, running) == [(0,)]

    def _check(self) -> None:
        bills = {bill.output_tokens: bill for bill in self._paid.bills}
        assert len(bills) == len(self._paid.bills), "each bill can be told from all others"
        entries = query(
            self._root,
            "SELECT usage.batch_id, jobs.subject, input_tokens, output_tokens, cost, reserved_cost,"
            " closed_at IS NULL FROM usage JOIN jobs ON jobs.job_id = usage.job_id",
        )
        counted, open_of = Counter[str](), Counter[str]()
        for batch, section, tokens_in, tokens_out, cost, most, is_open in entries:
            counted[batch] += most if is_open else cost
            if is_open:
                open_of[section] += 1
            elif tokens_out:
                bill = bills.pop(tokens_out)
                assert (bill.section, bill.input_tokens, bill.cost) == (section, tokens_in, cost)
        left = Counter(bill.section for bill in bills.values())
        assert not left - open_of, ("each bill is closed or open", left, open_of)
        self._check_budgets(counted)
        if not self._killed and not self._plan.trouble:
            assert not open_of and sum(counted.values()) == self._paid.cost
        self._note(len(entries), open_of.total(), left.total())

    def _check_budgets(self, counted: Counter[str]) -> None:
        """Fail if anything is above a budget, or the ledger below the provider."""
        charged = Counter[str]()
        for bill in self._paid.bills:
            charged[bill.section.partition("/")[0]] += bill.cost
        for (page, batch), usd in zip(self._batches.items(), self._plan.batch_usd, strict=False):
            assert charged[page] <= counted[batch] <= usd * NANO, (batch, charged, counted)
        assert self._paid.cost <= sum(counted.values()) <= self._plan.day_usd * NANO
        sums = query(
            self._root, "SELECT scope, sum(spent + reserved) FROM usage_sums GROUP BY scope"
        )
        assert dict(sums) == dict.fromkeys(("batch", "day", "model"), sum(counted.values()))

    def _note(self, entries: int, open: int, left: int) -> None:
        """Count what this run has added."""
        found = {"entries": entries, "open entries": open, "open entries that were charged": left}
        for what, so_many in found.items():
            self._count[what] += so_many - self._noted[what]
            self._noted[what] = so_many
        for page in list(self._batches)[-2:]:
            self._count[f"batches {state(self._root, self._batches[page])}"] += 1


if __name__ == "__main__":
    main()
