"""Spend while somebody kills who spends: `python -m tests.faults.budget --runs 100 [--seed N]`.

Each run drafts two batches at once, within a budget for each and one for the day, by a provider
that keeps a bill, with several workers or one. Some answers do not fit, some are cut off after they
were charged; workers are killed (SIGKILL) while requests are under way. Then:

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.entities.usage import NANO
from tests.billing import MODEL, Provider, provider
from tests.faults.processes import ENDED, end_workers, kill, queued, seed, state, workers
from tests.harness import small_site, trusted
from tests.waiting import wait_until
from tests.wire import pipe, query

PAGES = ("p1", "p2")
SECTIONS = 12
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
    folder: Path, *, runs: int, seed: int, kills: int | None = None, quiet: bool = True
) -> Counter[str]:
    """Spend so many times; return what was counted. Without `kills`, none, one or two are drawn."""
    rng, count = random.Random(seed), Counter[str]()
    for number in range(runs):
        began, before = time.monotonic(), count.copy()
        plan = Plan.drawn(rng, kills)
        with provider(rng=random.Random(rng.random()), **plan.traits) as paid:
            _Run(folder / f"site{number}", plan, paid, rng, count).run()
        if not quiet:
            took, done = time.monotonic() - began, count - before
            print(f"{number + 1}/{runs}: {took:.1f} s, {plan}: {dict(done)}", flush=True)
    return count


@dataclass(frozen=True)
class Plan:
    """What one run is like."""

    workers_at_once: bool
    batch_usd: tuple[float, float]
    day_usd: float
    kills: int
    trouble: float

    @classmethod
    def drawn(cls, rng: random.Random, kills: int | None = None) -> Plan:
        """Return one, in which about half of the sections can be paid for, or all of them."""
        of_batch = rng.uniform(2, 16) * REQUEST_USD, rng.uniform(2, 16) * REQUEST_USD
        return cls(
            workers_at_once=rng.random() < 0.5,
            batch_usd=of_batch,
            day_usd=rng.uniform(0.5, 1.2) * sum(of_batch),
            kills=rng.choice((0, 1, 1, 2)) if kills is None else kills,
            trouble=rng.choice((0.0, 0.2)),
        )

    @property
    def traits(self) -> dict[str, Any]:
        """What the provider is like."""
        return {"seconds": 0.15, "trouble": self.trouble, "tokens": 700}


class _Run:
    """Two batches on a site of their own, from the call to the last entry."""

    def __init__(
        self, root: Path, plan: Plan, paid: Provider, rng: random.Random, count: Counter[str]
    ) -> None:
        self._plan, self._paid, self._rng, self._count = plan, paid, rng, count
        self._root = small_site(
            root,
            dict.fromkeys(PAGES, SECTIONS),
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

    def run(self) -> None:
        """Queue both, kill, let them come to rest, and look at every entry."""
        servers = 2 if self._plan.workers_at_once else 1
        try:
            with pipe(self._root, "auto", **self._paid.environ) as one:
                one.begin()
                if servers == 1:
                    self._batches = self._spend(one, one)
                else:
                    with pipe(self._root, "auto", **self._paid.environ) as other:
                        other.begin()
                        self._batches = self._spend(one, other)
        finally:
            end_workers(self._root)
        self._check()

    def _spend(self, *servers: Any) -> tuple[str, ...]:
        """Queue a batch at each server, kill workers now and then, wait until nothing runs."""
        batches = tuple(
            queued(server, "generate", page=page, maxCostUsd=usd)
            for server, page, usd in zip(servers, PAGES, self._plan.batch_usd, strict=True)
        )
        for _ in range(self._plan.kills):
            heard = len(self._paid.limits) + self._rng.randint(1, 8)
            wait_until(lambda heard=heard: len(self._paid.limits) >= heard or self._rests(batches))
            until = time.monotonic() + self._rng.uniform(0, 0.2)
            wait_until(lambda until=until: time.monotonic() >= until)
            for pid in workers(self._root):
                kill(pid)
                self._count["workers killed"] += 1
        wait_until(lambda: self._rests(batches))
        return batches

    def _rests(self, batches: tuple[str, ...]) -> bool:
        """Whether nothing of these batches goes on by itself."""
        still = {*ENDED, "paused"}
        running = "SELECT count(*) FROM jobs WHERE state = 'processing'"
        return all(state(self._root, batch) in still for batch in batches) and query(
            self._root, running
        ) == [(0,)]

    def _check(self) -> None:
        bills = {bill.output_tokens: bill for bill in self._paid.bills}
        assert len(bills) == len(self._paid.bills), "each bill can be told from all others"
        entries = query(
            self._root,
            "SELECT usage.batch_id, jobs.subject, input_tokens, output_tokens, cost, reserved_cost,"
            " closed_at IS NULL FROM usage JOIN jobs ON jobs.job_id = usage.job_id",
        )
        counted, open_of, reserved = Counter[str](), Counter[str](), Counter[str]()
        for batch, section, tokens_in, tokens_out, cost, most, is_open in entries:
            self._count["entries"] += 1
            counted[batch] += most if is_open else cost
            if is_open:
                open_of[section] += 1
                reserved[section] += most
            elif tokens_out:
                bill = bills.pop(tokens_out)
                assert (bill.section, bill.input_tokens, bill.cost) == (section, tokens_in, cost)
                self._count["entries that are one bill"] += 1
        self._check_open(Counter(bill.section for bill in bills.values()), open_of)
        self._check_budgets(counted)
        if self._plan.kills == 0 and self._plan.trouble == 0:
            assert not open_of and sum(counted.values()) == self._paid.cost
            self._count["runs without kills or trouble"] += 1

    def _check_open(self, left: Counter[str], open_of: Counter[str]) -> None:
        """Fail unless each bill that no closed entry has is covered by an open one."""
        assert not left - open_of, (left, open_of)
        self._count["open entries"] += open_of.total()
        self._count["of them charged"] += left.total()

    def _check_budgets(self, counted: Counter[str]) -> None:
        """Fail if anything is above a budget, or the ledger below the provider."""
        charged = Counter[str]()
        for bill in self._paid.bills:
            charged[bill.section.partition("/")[0]] += bill.cost
        limits = zip(self._batches, PAGES, self._plan.batch_usd, strict=True)
        for batch, page, usd in limits:
            assert charged[page] <= counted[batch] <= usd * NANO, (batch, charged, counted)
            self._count[f"batches {state(self._root, batch)}"] += 1
        assert self._paid.cost <= sum(counted.values()) <= self._plan.day_usd * NANO
        sums = query(
            self._root, "SELECT scope, sum(spent + reserved) FROM usage_sums GROUP BY scope"
        )
        assert dict(sums) == dict.fromkeys(("batch", "day", "model"), sum(counted.values()))


if __name__ == "__main__":
    main()
