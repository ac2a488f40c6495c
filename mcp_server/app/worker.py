"""A worker: in a process of its own, or beside the server in this one."""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import structlog

from mcp_server.app.embedders import embedder_of_worker
from mcp_server.app.parts import Parts, load_plugins, open_parts, open_store, warn_of_place
from mcp_server.app.process import log_to_stderr, settle_memory
from mcp_server.app.shutdown import run_until_told
from mcp_server.clock import SystemClock, new_id
from mcp_server.config import find_workspace
from mcp_server.content.drafting.embedding import lack_of_ability
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.errors import Unavailable
from mcp_server.jobs.host.health import WorkerMode
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.host.start import WorkerProcess, work_in_turns
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.telemetry import AttemptWatch
from mcp_server.jobs.worker.attempt import AttemptRunner
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from mcp_server.jobs.worker.worker import Worker, WorkerSettings
from mcp_server.meaning.embedder import embed_what_is_missing
from mcp_server.plugin.job_context import context_maker
from mcp_server.plugin.workbench import Workbench
from mcp_server.redaction import redacted, secrets_of

LOCK_WAIT_S = 3.0
"""How long a new worker waits for the lock. Looking whether it is free takes it for a moment."""

logger = structlog.get_logger(__name__)


def run_worker(workspace: Path | None, *, detached: bool) -> None:
    """Work a workspace: `detached` until there is no work, otherwise until interrupted.

    Raises:
        Unavailable: there is no workspace, it is broken, or another worker has it.
    """
    log_to_stderr()
    plugins = load_plugins()

    async def take_turns(stopping: anyio.Event) -> None:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        await warn_of_place(found)
        mark = StopMark(found.folder(found.state_dir))
        async with open_parts(found, SystemClock(), plugins) as parts:
            settle_memory()
            if not detached:
                mark.clear()  # started by hand, so an earlier `pressroom stop` no longer counts

            async def turn() -> bool:
                if not found.settings.shares_work and not await _acquired(parts.lock):
                    if detached:
                        return False  # another worker has the lock, so the jobs get done
                    raise Unavailable(
                        "Another worker works this workspace; `pressroom stop` ends it."
                    )
                try:
                    if await mark.holds(parts.store, now=parts.clock.now()):
                        logger.info("stopped by hand while it was starting")
                        return False
                    return await work(parts, "detached", stopping, leaves=detached)
                finally:
                    parts.lock.release()

            await work_in_turns(turn, parts.store, parts.clock)

    run_until_told(take_turns)


async def work(
    parts: Parts, mode: WorkerMode, stopping: anyio.Event, *, leaves: bool = False
) -> bool:
    """Run a worker in this process; return whether it left because nothing was to do.

    The caller holds the lock. Once `stopping` is set, the worker claims nothing more and its
    running jobs have their grace time; when it is cancelled, it gives them back at once.
    """
    settings, clock = parts.workspace.settings, parts.clock
    bench = Workbench(
        parts.store,
        parts.entities,
        parts.meaning,
        parts.files,
        parts.registry,
        clock,
        embedder=embedder_of_worker(parts.workspace, parts.embedder),
        embedded_elsewhere=parts.embedded_elsewhere,
        composer_delay_s=settings.composer_delay_s,
        model=parts.model,
        grants=parts.grants,
        model_problem=parts.workspace.model_problem,
        present_site=SiteLoader(parts.workspace),
        ledger=parts.ledger,
        budget=settings.budget,
        vectors=parts.vectors,
        related_tokens=settings.related_tokens,
        settings=parts.plugins.settings,
        plugin_of=parts.plugins.plugin_of,
    )
    worker = Worker(
        parts.store,
        parts.runs,
        AttemptRunner(
            parts.registry,
            clock,
            context_maker(bench),
            time_limit_s=settings.time_limit_s,
            random=random.random,
            watch=AttemptWatch(parts.figures),
            redact=partial(redacted, secrets=secrets_of(os.environ)),
        ),
        Maintenance(
            parts.store,
            clock,
            MaintenanceSettings(
                sweep_max=settings.sweep_max,
                crashes_max=settings.crashes_max,
                prune_after_s=settings.prune_after_h * 3600,
            ),
        ),
        clock,
        parts.host("worker", mode),
        WorkerSettings(
            concurrency=settings.concurrency,
            claim_max=settings.claim_max,
            lease_s=settings.lease_s,
            heartbeat_s=settings.heartbeat_s,
            prune_interval_s=settings.prune_interval_h * 3600,
            grace_s=settings.grace_s,
            idle_s=settings.worker_idle_s if leaves else None,
            holds_lock=not settings.shares_work,
        ),
        partial(new_id, "a", clock),
        open_store=partial(open_store, parts),
        process=WorkerProcess() if mode == "detached" else None,
        lacking=lack_of_ability,
    )
    try:
        if settings.embedder != "off":
            await embed_what_is_missing(
                parts.meaning, parts.jobs.queue, bench.embedder, setting=settings.embedder
            )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_when_told, worker, stopping)
            tasks.start_soon(bench.get_ready)
            await worker.run()
            tasks.cancel_scope.cancel()
    finally:
        # Shielded, as a cancelled task could not close anything; bounded, so that it ends anyway.
        with anyio.CancelScope(shield=True), anyio.move_on_after(2):
            await bench.aclose()
    return not worker.stopped


async def _stop_when_told(worker: Worker, stopping: anyio.Event) -> None:
    await stopping.wait()
    logger.info("finishing what runs; told again, it is given back")
    worker.stop()


async def _acquired(lock: WorkerLock) -> bool:
    with anyio.move_on_after(LOCK_WAIT_S):
        while not lock.acquire():
            await anyio.sleep(0.05)
        return True
    return False
