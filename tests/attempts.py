"""Claiming and running single attempts by hand, where a worker would do more than a test wants."""

from __future__ import annotations

from collections.abc import Collection

from mcp_server.jobs.job import Attempt
from mcp_server.jobs.records import Claim, Report
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.attempt import AttemptRunner, Progress


async def claim_one(
    store: JobStore,
    id: str,
    *,
    kinds: Collection[str],
    now: float,
    abilities: Collection[str] = (),
    lease_s: float = 30.0,
) -> Attempt | None:
    """Claim the next job for a worker that is not there; `id` is the claim's."""
    claim = Claim(
        id=id, worker_id="nobody", limit=1, kinds=kinds, abilities=abilities, lease_s=lease_s
    )
    attempts = (await store.exchange([], claim, now=now)).attempts
    return attempts[0] if attempts else None


async def record(store: JobStore, report: Report, *, now: float) -> Verdict:
    """Record how one attempt ended; raise what kept it from being recorded."""
    [recorded] = (await store.exchange([report], None, now=now)).recorded
    if isinstance(recorded, Exception):
        raise recorded
    return recorded


async def run_one(
    store: JobStore, runner: AttemptRunner, attempt: Attempt, *, now: float
) -> Verdict:
    """Run one attempt and record its end."""
    progress = Progress(attempt, lambda _: None)
    return await record(
        store, runner.report(progress, await runner.run(attempt, progress)), now=now
    )
