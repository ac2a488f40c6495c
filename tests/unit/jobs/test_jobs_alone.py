"""`jobs` without the rest: a kind, a queue, a worker, and a batch that survives them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcp_server.jobs.job import BatchState, JobState
from mcp_server.jobs.outcome import Done, Enqueue, Outcome, Retry
from tests.storage.invariants import check_invariants
from tests.unit.jobs.rig import ORIGIN, Context, a_toy, open_rig

pytestmark = pytest.mark.anyio

IMPORTS = """
import importlib, pkgutil, sys
import mcp_server.jobs
for module in pkgutil.walk_packages(mcp_server.jobs.__path__, "mcp_server.jobs."):
    importlib.import_module(module.name)
for part in ("content", "entities", "interfaces", "storage", "progress", "plugin", "app"):
    assert f"mcp_server.{part}" not in sys.modules, part
for library in ("mcp", "yaml", "pydantic_ai"):
    assert library not in sys.modules, library
"""


async def test_a_batch_survives_its_process_and_is_ended_by_another_worker(tmp_path: Path) -> None:
    """Half of it is done by one, the rest by one that knows nothing of the first."""
    path = tmp_path / "jobs.db"
    async with open_rig(path) as rig:
        await rig.submit("b", a_toy(), a_toy(), a_toy())
        await rig.run_next()
        await rig.claim()
    async with open_rig(path) as rig, rig.working():
        batch = await rig.batches.wait("b", owner="ada")
    assert (batch.state, batch.completed) == (BatchState.COMPLETED, 3)
    check_invariants(path)


async def test_the_queue_does_what_it_promises_without_a_site(tmp_path: Path) -> None:
    """Progress, retries, follow-ups and a job alone, all on one file."""
    tries: list[str] = []

    async def draft(context: Context) -> Outcome:
        await context.progress(1, 2, "half way")
        tries.append(context.attempt.job.subject)
        if len(tries) == 1:
            return Retry("busy", after_s=0)
        follow_up = a_toy(subject="export", counted=False)
        return Done({"tries": len(tries)}, effects=(Enqueue(follow_up),))

    async with open_rig(tmp_path / "jobs.db") as rig, rig.working(concurrency=1):
        rig.acts["draft"] = draft
        [job_id] = await rig.submit("b", a_toy("draft"))
        batch = await rig.batches.wait("b", owner="ada")
        job = await rig.job(job_id)
        alone = await rig.queue.enqueue(a_toy(), origin=ORIGIN)
        assert (await rig.queue.wait(alone)).state is JobState.COMPLETED
        follow_up = (await rig.store.jobs("b"))[1]
    assert (batch.total, batch.completed) == (1, 1)
    assert (job.result, job.attempts) == ({"tries": 2}, 2)
    assert (follow_up.subject, follow_up.state) == ("export", JobState.COMPLETED)
    check_invariants(tmp_path / "jobs.db")


def test_jobs_imports_nothing_of_the_rest() -> None:
    """No site, no content, no storage, no protocol."""
    command = [sys.executable, "-c", IMPORTS]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
