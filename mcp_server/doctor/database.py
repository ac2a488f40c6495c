"""Checks of the database, the queue in it, and the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.config import Workspace
from mcp_server.content.actions.payloads import unrun_kind
from mcp_server.content.drafting.embedding import lack_of_ability
from mcp_server.content.pages.elsewhere import ELSEWHERE
from mcp_server.doctor.diagnosis import Diagnosis, Level, duration, first_of, size
from mcp_server.doctor.files import of_files
from mcp_server.errors import StorageError, Unavailable
from mcp_server.jobs.host.health import left_over_of
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.host.presence import MACHINE, is_alive, living, machine_of, worker_lives
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import BatchState, JobState
from mcp_server.jobs.records import Host, Lag, Question, Stats
from mcp_server.jobs.store import JobStore
from mcp_server.meaning.embedder import why_not_embedded
from mcp_server.storage.opening import open_database, pages_folder, schema_of
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.content.store import SqlEntityStore
from mcp_server.storage.sql.page_folder import has_pages
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.examine import Examined, damaged_rows, examine, mark_of
from mcp_server.trust import Grants, StateFolder

WASTED_BYTES_MAX = 16 * 1024 * 1024
"""What a file may keep that nothing uses: as much as its log may."""
LOOKED_AT_MAX = 1_000
"""Unfinished batches, of all owners, that are searched for paused ones."""
ROWS_MAX = 5
"""Damaged values that get a finding each; the rest are only counted."""
WORKERS_MAX = 20
PAUSED_MAX = 5
"""Paused batches that get a finding each; the rest are only counted."""


def of_origin(workspace: Workspace) -> Diagnosis | None:
    """Return a finding if the database came from elsewhere; nothing in it is looked at then."""
    state = StateFolder(workspace)
    if workspace.keeps_state_inside and state.record is None:
        return Diagnosis(
            check="database",
            level="warning",
            message=f"{workspace.state_dir.name} was not made here by you",
            advice="The next call sets it aside, and begins with a new one. If it is yours, run "
            "`pressroom trust` in this folder.",
        )
    try:
        mark = state.demanded_mark()
        if mark is None or mark_of(workspace.database) == mark:
            return None
    except (StorageError, Unavailable, OSError):
        return None  # the next look says what is wrong with the file
    return Diagnosis(
        check="database",
        level="error",
        message=f"{workspace.database.name} was not made in this state folder, and is not used",
        advice="If you put it there, run `pressroom trust` in this folder; if not, move it away.",
    )


def of_database(workspace: Workspace) -> Diagnosis:
    """Check the database file itself, all of it."""
    try:
        found = examine(workspace.database)
    except Unavailable as error:
        return Diagnosis(check="database", level="error", message=str(error))
    except (StorageError, OSError) as error:
        advice = f"Stop the server, then see to {workspace.database}."
        return Diagnosis(check="database", level="error", message=str(error), advice=advice)
    return _of_file(workspace.database, found)


def _of_file(path: Path, found: Examined) -> Diagnosis:
    message = f"{size(found.file_bytes)}, schema {found.schema}"
    if found.problems:
        return Diagnosis(
            check="database",
            level="error",
            message=f"{path.name} is damaged: {'; '.join(found.problems)}",
            advice="Put back a copy: `pressroom stop`, remove this file and those whose names end "
            "in -wal and -shm, move the copy here. `sqlite3 FILE .recover` saves what can be "
            "saved.",
        )
    if found.strange:
        return Diagnosis(
            check="database",
            level="error",
            message=f"{path.name} holds what Pressroom did not put there: "
            f"{', '.join(found.strange)}",
            advice="Nothing of it is used. Remove that with the sqlite3 command, or put back a "
            "copy.",
        )
    if found.schema > found.newest_schema:
        return Diagnosis(
            check="database",
            level="error",
            message=f"{message}; a newer Pressroom wrote it (this one knows {found.newest_schema})",
            advice="Upgrade Pressroom.",
        )
    if found.schema < found.newest_schema:
        return Diagnosis(
            check="database",
            level="warning",
            message=f"{message}; this version brings it to {found.newest_schema}",
            advice="The next server to start does so, and keeps a copy beside it.",
        )
    if found.wasted_bytes > WASTED_BYTES_MAX:
        return Diagnosis(
            check="database",
            level="warning",
            message=f"{message}, sound; {size(found.wasted_bytes)} of it hold nothing",
            advice="An earlier version made it, and it was too large to be written anew by itself. "
            f"`pressroom stop`, end the servers, then run `sqlite3 {path} 'PRAGMA auto_vacuum = 2; "
            "VACUUM'`: it needs as much room on the disk again.",
        )
    return Diagnosis(check="database", level="ok", message=f"{message}, sound")


async def of_queue(workspace: Workspace, clock: Clock) -> AsyncIterator[Diagnosis]:
    """Check what is stored: the worker, what waits and why, and the pages' files."""
    try:
        for finding in _rows(await anyio.to_thread.run_sync(_damaged, workspace)):
            yield finding
        state = StateFolder(workspace)
        async with open_database(workspace, state, Grants(workspace, state)) as database:
            now = database.clock(clock).now()
            store: JobStore = SqlJobStore(database, ContentEffects(), _no_job)
            await database.write(_nothing)
            lag, stats = await store.lag(now=now), await store.stats()
            hosts = await store.hosts(seen_after=0)
            left_over = await left_over_of(store, hosts, lack_of_ability, now=now, unrun=unrun_kind)
            paused = await _paused(store)
            unembedded = await why_not_embedded(store)
            folder = pages_folder(workspace, state)
            if not workspace.settings.database or await has_pages(database, folder, take=False):
                of_pages = [each async for each in of_files(workspace, SqlEntityStore(database))]
            else:
                of_pages = [_elsewhere(workspace, hosts, now)]
    except (StorageError, Unavailable) as error:
        yield Diagnosis(check="queue", level="error", message=str(error))
        return
    lock, stopped = (
        WorkerLock(workspace.worker_lock),
        StopMark(workspace.folder(workspace.state_dir)).is_set,
    )
    several = workspace.settings.shares_work
    alive = worker_lives(lock, hosts, now=now, several=several)
    log = workspace.worker_log
    if several and (workers := living(hosts, now)):
        for each in first_of([_living(host, log) for host in workers], WORKERS_MAX, "workers"):
            yield each
    else:
        yield _worker(hosts, lag, log, alive=alive, stopped=stopped)
    yield _oldest(lag, alive=alive, longest_s=workspace.settings.time_limit_s)
    for problem in left_over:
        yield Diagnosis(check="queue", level="warning", message=problem)
    yield _jobs(stats)
    if unembedded is not None:
        yield Diagnosis(
            check="embedder",
            level="warning",
            message=f"texts are found by their words only: {unembedded}",
            advice="Mend that. The next change of a text tries again, and the next worker.",
        )
    for each in (*first_of(paused, PAUSED_MAX, "batches"), *of_pages):
        yield each


def _damaged(workspace: Workspace) -> Sequence[str]:
    if not workspace.settings.database:
        return damaged_rows(workspace.database)
    from mcp_server.storage.postgres import damaged  # noqa: PLC0415 - the driver

    return damaged.damaged_rows(workspace.settings.database, schema_of(workspace))


def _rows(damaged: Sequence[str]) -> Iterator[Diagnosis]:
    """Name the rows that cannot be read as they were written; nothing where there are none."""
    found = [
        Diagnosis(
            check="rows",
            level="warning",
            message=f"damaged by somebody: {row}",
            advice="What needs it fails or is left out, and all else goes on. If it matters, put "
            "back a copy.",
        )
        for row in damaged
    ]
    yield from first_of(found, ROWS_MAX, "damaged values")


def _elsewhere(workspace: Workspace, hosts: Sequence[Host], now: float) -> Diagnosis:
    there = [host for host in hosts if host.details.get("files") and is_alive(host, now)]
    where = f", {machine_of(there[0])}" if there else ""
    message = f"{ELSEWHERE}{where}; {workspace.content_dir.name}/ here is left alone"
    advice = "Is that machine gone for good? docs/scaling.md says how this one takes them over."
    return Diagnosis(check="files", level="ok", message=message, advice=advice)


def _nothing(_: Transaction) -> None:
    """Change nothing: it only shows whether the lock for writing can be had."""


def _no_job() -> str:
    raise AssertionError("the doctor queues nothing")


def _worker(hosts: Sequence[Host], lag: Lag, log: Path, *, alive: bool, stopped: bool) -> Diagnosis:
    workers = [host for host in hosts if host.role == "worker"]
    if alive and workers:
        return _living(workers[0], log)
    if alive:
        return Diagnosis(check="worker", level="ok", message="alive, and starting")
    if stopped:
        advice = "The next call that queues work starts it again, or `pressroom worker`."
        message = "stopped by hand"
        level: Level = "ok" if lag.oldest_due_s is None else "warning"
        return Diagnosis(check="worker", level=level, message=message, advice=advice)
    if lag.oldest_due_s is None:
        message = "none is running, and none is needed"
        return Diagnosis(check="worker", level="ok", message=message)
    said = f" {log} says what the last one had to say." if log.exists() else ""
    return Diagnosis(
        check="worker",
        level="warning",
        message="none is running, and jobs are due",
        advice=f"A server starts one; without a server, `pressroom worker` does.{said}",
    )


def _living(worker: Host, log: Path) -> Diagnosis:
    where = machine_of(worker)
    here = "" if where == MACHINE else f" on {where}"
    message = f"alive{here}, process {worker.pid}, version {worker.version}"
    if "unhealthy" in worker.details:
        message = f"{message}; unhealthy: {worker.details['unhealthy']}"
        advice = f"{log} says which handler it is, and where; with an embedded one, the server's."
        return Diagnosis(check="worker", level="warning", message=message, advice=advice)
    if worker.version == version("pressroom"):
        return Diagnosis(check="worker", level="ok", message=message)
    advice = "A server of this version asks it to make room; `pressroom stop` does, too."
    return Diagnosis(check="worker", level="warning", message=message, advice=advice)


def _oldest(lag: Lag, *, alive: bool, longest_s: float) -> Diagnosis:
    """Warn of a due job that has waited for longer than an attempt may take."""
    if lag.oldest_due_s is None:
        return Diagnosis(check="queue", level="ok", message="no job is waiting for its turn")
    message = f"the oldest due job has waited for {duration(lag.oldest_due_s)}"
    if not alive or lag.oldest_due_s < longest_s:
        return Diagnosis(check="queue", level="ok", message=message)
    advice = "`pressroom status` shows what runs; a higher `concurrency` runs more at a time."
    return Diagnosis(check="queue", level="warning", message=message, advice=advice)


def _jobs(stats: Stats) -> Diagnosis:
    kinds = [f"{kind}: {_counts(states)}" for kind, states in sorted(stats.kinds.items()) if states]
    whole = _counts(stats.jobs) or "none"
    return Diagnosis(check="jobs", level="ok", message="; ".join([whole, *kinds]))


async def _paused(store: JobStore) -> Sequence[Diagnosis]:
    unfinished = Question(await store.cursor(owner=None), known={})
    [found] = await store.updates([unfinished], limit=LOOKED_AT_MAX)
    return [
        Diagnosis(
            check="paused",
            level="warning",
            message=f"{batch.id} ({batch.kind}) waits after {batch.finished} of {batch.total}: "
            f"{batch.reason or 'no reason was given'}",
            advice=f'Mend that; retry {{"batchId": "{batch.id}"}} goes on, cancel gives it up.',
        )
        for batch in found.batches
        if batch.state is BatchState.PAUSED
    ]


def _counts(states: Mapping[JobState, int]) -> str:
    return ", ".join(f"{states[state]:,} {state}" for state in JobState if states.get(state))
