"""Commands that open a workspace without a server, ask or do one thing, and close it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from mcp_server.app.parts import Parts, load_plugins, open_parts
from mcp_server.app.process import log_to_stderr
from mcp_server.app.services import health_of, services_of
from mcp_server.clock import SystemClock
from mcp_server.config import find_workspace
from mcp_server.interfaces.cli.check_result import check_result
from mcp_server.interfaces.cli.follow import follow_all, follow_one
from mcp_server.interfaces.cli.lines import outcome_line
from mcp_server.interfaces.cli.presence import Watched
from mcp_server.interfaces.cli.runners import Board, Waited
from mcp_server.jobs.host.presence import living, worker_lives
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import Batch, BatchState, Job
from mcp_server.progress.stream import Events
from mcp_server.progress.verbs import kind_name, verb_of
from mcp_server.progress.words import progress_line

EVERYBODY = None
"""Whose operations the command line sees: who can read the database is the user of all of it, also
of what clients of the HTTP server have queued with a token."""

PAUSED_MAX = 200
"""Unfinished batches, and as many jobs outside any batch, that are searched for paused ones."""
NAMED_MAX = 3
"""Paused operations that are listed with their reason; the rest are only counted."""


def stop_worker(workspace: Path | None) -> str:
    """Ask the workspace's worker to stop, wait for its end, and say what came of it."""

    async def stop() -> str:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            mark = StopMark(parts.state_folder)
            # A worker sees the request with its next heartbeat; then running jobs have their grace.
            patience_s = found.settings.heartbeat_s + found.settings.grace_s + 1
            change, now = await parts.store.last_change(), parts.clock.now()
            # With a time limit, as the worker makes changes on its way out: they must start none.
            mark.set(change, until=now + patience_s)
            count, ended = await _drained(parts, patience_s)
            # Without one from now on: the next change starts a worker again.
            mark.set(await parts.store.last_change())
            if not count:
                return "No worker was running. None is started until work is queued again."
            if not ended:
                return "The worker was asked to stop and is finishing what it runs."
            who = "The worker has" if count == 1 else f"{count} workers have"
            return f"{who} stopped. What is queued waits for a retry, or for more work."

    return anyio.run(stop)


def status(
    workspace: Path | None, operation_id: str | None, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what the `status` tool answers to these arguments, or of one batch or job.

    Raises:
        NotFound: there is no such batch or job.
        Unavailable: there is no workspace, or it is broken.
    """
    from mcp_server.interfaces.mcp.tools.status import read_status  # noqa: PLC0415 - only here

    log_to_stderr()
    plugins = load_plugins()

    async def read() -> Mapping[str, Any]:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock(), plugins) as parts:
            health = health_of(parts, "detached", StopMark(parts.state_folder))
            services = services_of(parts, Events(parts.hub, parts.clock), health)
            facts = await read_status(services, operation_id, arguments, owner=EVERYBODY)
            if notice := services.notice():
                return {**facts, "message": f"{notice} {facts['message']}"}
            return facts

    return anyio.run(read)


def follow(
    workspace: Path | None, operation_id: str | None, *, interval_s: float, board: Board
) -> Waited:
    """Show one batch or job until it is over, or all of them until nothing waits or runs.

    Raises:
        NotFound: there is no such batch or job.
        Unavailable: there is no workspace, or it is broken.
    """
    log_to_stderr()

    async def show() -> Waited:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            events = Events(parts.hub, parts.clock)
            health = health_of(parts, "detached", StopMark(parts.state_folder))
            batches = parts.jobs.batches
            watched = Watched(board, health, batches, owner=EVERYBODY)
            await watched.look()
            waited = None
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watched.watch)
                if operation_id is None:
                    waited = await follow_all(
                        events, batches, watched, owner=EVERYBODY, interval_s=interval_s
                    )
                else:
                    waited = await follow_one(
                        events, operation_id, watched, owner=EVERYBODY, interval_s=interval_s
                    )
                tasks.cancel_scope.cancel()
            assert waited is not None, "the group ends no sooner"
            return waited

    return anyio.run(show)


def wait(workspace: Path | None, batch_id: str | None, *, timeout_s: float) -> Waited:
    """Wait for one batch, or until nothing waits or runs; for at most `timeout_s`.

    What is paused ends the wait, but does not count as done.

    Raises:
        NotFound: there is no such batch.
        Unavailable: there is no workspace, or it is broken.
    """
    log_to_stderr()

    async def look() -> Waited:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            batches, health = (
                parts.jobs.batches,
                health_of(parts, "detached", StopMark(parts.state_folder)),
            )
            try:
                if batch_id is None:
                    await batches.wait_idle(owner=EVERYBODY, timeout_s=timeout_s)
                    return _idle(await batches.paused(owner=EVERYBODY, limit=PAUSED_MAX))
                batch = await batches.wait_until_still(
                    batch_id, owner=EVERYBODY, timeout_s=timeout_s
                )
            except TimeoutError as error:
                facts = await health()
                why = [facts["message"], *facts.get("leftOver", ())[:NAMED_MAX]]
                return Waited(done=False, message=" ".join([f"{error}.", *why]))
            return Waited(done=batch.state is BatchState.COMPLETED, message=_outcome(batch))

    return anyio.run(look)


def job(workspace: Path | None, job_id: str) -> Job:
    """Return one job, whoever asked for it, as it is stored.

    Raises:
        NotFound: there is no such job, or it was pruned.
        Unavailable: there is no workspace, or it is broken.
    """

    async def read() -> Job:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            return await parts.jobs.queue.get(job_id)

    return anyio.run(read)


def check(workspace: Path | None, *, live: bool) -> Mapping[str, Any]:
    """Check all texts of a site; return how many, and what was found in which.

    Raises:
        Unavailable: there is no workspace, or it is broken.
    """
    log_to_stderr()
    plugins = load_plugins()

    async def look() -> Mapping[str, Any]:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock(), plugins) as parts:
            health = health_of(parts, "detached", StopMark(parts.state_folder))
            services = services_of(parts, Events(parts.hub, parts.clock), health)
            return check_result(await services.content.check(live=live))

    return anyio.run(look)


def doctor(workspace: Path | None) -> Sequence[Mapping[str, str]]:
    """Look a workspace over; return what was found: `check`, `level`, `message`, `advice`."""
    from mcp_server.doctor import examine_workspace  # noqa: PLC0415 - only here

    log_to_stderr()
    plugins = load_plugins()

    async def look() -> Sequence[Mapping[str, str]]:
        findings = await examine_workspace(
            workspace,
            environ=os.environ,
            cwd=Path.cwd(),
            clock=SystemClock(),
            plugins=plugins,
        )
        return [asdict(finding) for finding in findings]

    return anyio.run(look)


def _idle(paused: Sequence[Batch | Job]) -> Waited:
    if not paused:
        return Waited(done=True, message="Nothing waits, and nothing runs.")
    named = " ".join(map(_outcome, paused[:NAMED_MAX]))
    more = len(paused) - NAMED_MAX
    others = f" {more} more are paused." if more > 0 else ""
    return Waited(done=False, message=f"Nothing runs. {named}{others}")


def _outcome(of: Batch | Job) -> str:
    if isinstance(of, Job):
        name = f"{kind_name(of.kind)} {of.subject}".rstrip()
        return outcome_line(name, of.id, of.state, of.reason or of.code, is_batch=False)
    return outcome_line(verb_of(of).name, of.id, of.state, progress_line(of), is_batch=True)


async def _drained(parts: Parts, patience_s: float) -> tuple[int, bool]:
    """Ask every worker to stop; return how many there were, and whether all have in time."""
    seen: set[str] = set()
    with anyio.move_on_after(patience_s):
        while alive := await _alive(parts):
            seen |= alive
            await anyio.sleep(0.1)
        return len(seen), True
    return len(seen), False


async def _alive(parts: Parts) -> set[str]:
    """Ask every worker to stop, and name those that are still alive.

    They are asked through the database, never by a signal: the process id of a worker that died may
    belong to another program by now.
    """
    workers = [h for h in await parts.store.hosts(seen_after=0) if h.role == "worker"]
    for worker in workers:
        if worker.wanted != "drain":
            await parts.store.ask(worker.id, "drain")
    now, several = parts.clock.now(), parts.workspace.settings.shares_work
    if several and (alive := living(workers, now)):
        return {host.id for host in alive}
    # The one that holds the lock may not have announced itself yet.
    lives = worker_lives(parts.lock, workers, now=now, several=several)
    return {"the only one"} if lives else set()
