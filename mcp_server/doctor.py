"""What `pressroom doctor` looks at: each thing that a workspace needs, and what to do about it.

Nothing is changed: a file that another version wrote is not brought to this one, and no worker is
started. A check that cannot be made because another failed is left out.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from mcp_server.clock import Clock
from mcp_server.config import SETTINGS_FILE, Workspace, find_workspace
from mcp_server.content.model import ModelChoice, find_key, key_hint
from mcp_server.content.workspace import SiteLoader, SiteProblems
from mcp_server.errors import CallerError, ConfigError, StorageError
from mcp_server.jobs.health import left_over_of
from mcp_server.jobs.host import StopMark, WorkerLock
from mcp_server.jobs.job import JobState
from mcp_server.jobs.records import Host, Lag, Stats
from mcp_server.jobs.store import JobStore
from mcp_server.storage.sqlite.content import ContentEffects
from mcp_server.storage.sqlite.database import Database
from mcp_server.storage.sqlite.examine import Examined, examine
from mcp_server.storage.sqlite.jobs import SqliteJobStore
from mcp_server.storage.sqlite.place import unsafe_place
from mcp_server.storage.sqlite.transaction import Transaction

Level = Literal["ok", "warning", "error"]

FREE_BYTES_MIN = 100 * 1024**2
"""Less room than this is gone with the next few batches and the log of their writing."""
FREE_BYTES_ENOUGH = 1024**3
LAG_S = 300.0
"""A job that waits longer than this waits for something else than its turn; the longest attempt
takes as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look has found, and what helps where something is wrong."""

    check: str
    level: Level
    message: str
    advice: str = ""


async def examine_workspace(
    explicit: Path | None,
    *,
    environ: Mapping[str, str],
    cwd: Path,
    clock: Clock,
    plugin_problems: Sequence[str] = (),
    kinds: Collection[str] | None = None,
) -> list[Finding]:
    """Look at everything and return a finding for each thing, in the order of looking.

    `kinds` are those that have a handler here, where that is known.
    It reads the whole database file: that takes seconds where there is much in it.
    """
    looked = _examined(explicit, environ, cwd, clock, plugin_problems, kinds)
    return [finding async for finding in looked]


async def _examined(
    explicit: Path | None,
    environ: Mapping[str, str],
    cwd: Path,
    clock: Clock,
    plugin_problems: Sequence[str],
    kinds: Collection[str] | None,
) -> AsyncIterator[Finding]:
    for finding in (_versions(), *_plugins(plugin_problems)):
        yield finding
    try:
        workspace = find_workspace(explicit, environ, cwd)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding(check="settings", level="error", message=line)
        return
    except CallerError as error:
        yield Finding(check="workspace", level="error", message=str(error))
        return
    for finding in _workspace(workspace, environ, kinds):
        yield finding
    if not workspace.database.exists():
        message = "there is none yet; the first call makes it"
        yield Finding(check="database", level="ok", message=message)
        return
    finding = _database(workspace)
    yield finding
    if finding.level != "error" and finding.advice == "":
        async for finding in _queue(workspace, clock):
            yield finding


def _workspace(
    workspace: Workspace, environ: Mapping[str, str], kinds: Collection[str] | None
) -> Iterator[Finding]:
    yield Finding(check="workspace", level="ok", message=str(workspace.root))
    yield from _limits(workspace, kinds)
    for check in (_site, _key, _content_folder, _state_folder, _place, _disk):
        yield from check(workspace, environ)


def _versions() -> Finding:
    message = (
        f"Pressroom {version('pressroom')}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.machine()}"
    )
    return Finding(check="versions", level="ok", message=message)


def _plugins(problems: Sequence[str]) -> Iterator[Finding]:
    for problem in problems:
        advice = "Install what it needs, or uninstall it; everything else works without it."
        yield Finding(check="plugins", level="warning", message=problem, advice=advice)


def _limits(workspace: Workspace, kinds: Collection[str] | None) -> Iterator[Finding]:
    """A limit of a kind that nobody has is a slip of the pen, or waits for its plugin."""
    for kind in workspace.settings.limits:
        if kinds is not None and kind not in kinds:
            known = ", ".join(sorted(kinds))
            message = f"{SETTINGS_FILE} limits jobs of kind {kind}, which nothing here runs"
            advice = f"Kinds are: {known}."
            yield Finding(check="limits", level="warning", message=message, advice=advice)


# What lies in the folder


def _site(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Finding]:
    loader = SiteLoader(workspace)
    try:
        site = loader.load()
    except SiteProblems as error:
        for problem in error.problems:
            yield Finding(check="site", level="error", message=problem)
        return
    for warning in loader.warnings:
        yield Finding(check="site", level="warning", message=warning)
    pages, sections = len(site.pages), len(site.section_ids)
    message = f"{workspace.site_file.name}: {pages} pages, {sections} sections"
    yield Finding(check="site", level="ok", message=message)


def _key(workspace: Workspace, environ: Mapping[str, str]) -> Iterator[Finding]:
    settings = workspace.settings
    try:
        choice = ModelChoice(name=settings.model or "composer", url=settings.model_url)
    except ConfigError as error:
        yield Finding(check="model", level="error", message=str(error))
        return
    if choice.is_composer:
        message = "none is configured: the composer writes placeholders from the site's facts"
        yield Finding(check="model", level="ok", message=message)
    elif choice.ability is not None and find_key(choice, environ) is None:
        yield Finding(
            check="model",
            level="error",
            message=f"{choice.name}: there is no key for it here",
            advice=f"To draft with it, {key_hint(choice)}; where the server runs, and the worker.",
        )
    else:
        what = "there is a key for it" if choice.ability is not None else "it needs no key"
        yield Finding(check="model", level="ok", message=f"{choice.name}: {what}")


def _content_folder(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Finding]:
    yield _writable("content folder", workspace.content_dir)


def _state_folder(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Finding]:
    folder = _writable("state folder", workspace.state_dir)
    database = workspace.database
    if folder.level == "ok" and database.exists() and not os.access(database, os.W_OK):
        yield Finding(
            check="state folder",
            level="error",
            message=f"{database.name} is read-only",
            advice=f"Make {database} writable.",
        )
    else:
        yield folder


def _writable(check: str, folder: Path) -> Finding:
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"\0")
    except OSError as error:
        return Finding(
            check=check,
            level="error",
            message=f"nothing can be written to {nearest}: {error.strerror or error}",
            advice=f"Make {nearest} writable, and room on its disk.",
        )
    made = "" if nearest == folder else " (not there yet)"
    return Finding(check=check, level="ok", message=f"{folder}{made} can be written to")


def _place(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Finding]:
    if (why := unsafe_place(workspace.database)) is not None:
        yield Finding(
            check="place",
            level="warning",
            message=f"the database may be damaged: {why}",
            advice="Name a folder on a disk of this machine in PRESSROOM_STATE_DIR.",
        )


def _disk(workspace: Workspace, _: Mapping[str, str]) -> Iterator[Finding]:
    folder = workspace.state_dir
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    free = shutil.disk_usage(nearest).free
    message = f"{_size(free)} free"
    if free >= FREE_BYTES_ENOUGH:
        yield Finding(check="disk", level="ok", message=message)
        return
    level: Level = "error" if free < FREE_BYTES_MIN else "warning"
    advice = f"Make room on the disk of {nearest}, or name another in PRESSROOM_STATE_DIR."
    yield Finding(check="disk", level=level, message=message, advice=advice)


# The database


def _database(workspace: Workspace) -> Finding:
    try:
        found = examine(workspace.database)
    except (StorageError, OSError) as error:
        advice = f"Stop the server, then see to {workspace.database}."
        return Finding(check="database", level="error", message=str(error), advice=advice)
    return _of_file(workspace.database, found)


def _of_file(path: Path, found: Examined) -> Finding:
    message = f"{_size(found.file_bytes)}, schema {found.schema}"
    if found.problems:
        return Finding(
            check="database",
            level="error",
            message=f"{path.name} is damaged: {'; '.join(found.problems)}",
            advice="Put back a copy: `pressroom stop`, remove this file and those whose names end "
            "in -wal and -shm, move the copy here. `sqlite3 FILE .recover` saves what can be "
            "saved.",
        )
    if found.schema > found.newest_schema:
        return Finding(
            check="database",
            level="error",
            message=f"{message}; a newer Pressroom wrote it (this one knows {found.newest_schema})",
            advice="Upgrade Pressroom.",
        )
    if found.schema < found.newest_schema:
        return Finding(
            check="database",
            level="warning",
            message=f"{message}; this version brings it to {found.newest_schema}",
            advice="The next server to start does so, and keeps a copy beside it.",
        )
    return Finding(check="database", level="ok", message=f"{message}, sound")


async def _queue(workspace: Workspace, clock: Clock) -> AsyncIterator[Finding]:
    now = clock.now()
    try:
        async with Database.open(workspace.database) as database:
            store: JobStore = SqliteJobStore(database, ContentEffects(), _no_job)
            await database.write(_nothing)
            lag, stats = await store.lag(now=now), await store.stats()
            hosts = await store.hosts(seen_after=0)
            left_over = await left_over_of(store, hosts, now=now)
    except StorageError as error:
        yield Finding(check="queue", level="error", message=str(error))
        return
    lock, stopped = WorkerLock(workspace.worker_lock), StopMark(workspace.state_dir).is_set
    alive = lock.is_held()
    log = workspace.worker_log
    yield _worker(hosts, lag, log, alive=alive, stopped=stopped)
    yield _oldest(lag, alive=alive)
    for problem in left_over:
        yield Finding(check="queue", level="warning", message=problem)
    yield _jobs(stats)


def _nothing(_: Transaction) -> None:
    """Change nothing: it only shows whether the lock for writing can be had."""


def _no_job() -> str:
    raise AssertionError("the doctor queues nothing")


def _worker(hosts: Sequence[Host], lag: Lag, log: Path, *, alive: bool, stopped: bool) -> Finding:
    workers = [host for host in hosts if host.role == "worker"]
    if alive and workers:
        return _living(workers[0], log)
    if alive:
        return Finding(check="worker", level="ok", message="alive, and starting")
    if stopped:
        advice = "The next call that queues work starts it again, or `pressroom worker`."
        message = "stopped by hand"
        level: Level = "ok" if lag.oldest_due_s is None else "warning"
        return Finding(check="worker", level=level, message=message, advice=advice)
    if lag.oldest_due_s is None:
        message = "none is running, and none is needed"
        return Finding(check="worker", level="ok", message=message)
    said = f" {log} says what the last one had to say." if log.exists() else ""
    return Finding(
        check="worker",
        level="warning",
        message="none is running, and jobs are due",
        advice=f"A server starts one; without a server, `pressroom worker` does.{said}",
    )


def _living(worker: Host, log: Path) -> Finding:
    message = f"alive, process {worker.pid}, version {worker.version}"
    if "unhealthy" in worker.details:
        message = f"{message}; unhealthy: {worker.details['unhealthy']}"
        advice = f"{log} says which handler it is, and where; with an embedded one, the server's."
        return Finding(check="worker", level="warning", message=message, advice=advice)
    if worker.version == version("pressroom"):
        return Finding(check="worker", level="ok", message=message)
    advice = "A server of this version asks it to make room; `pressroom stop` does, too."
    return Finding(check="worker", level="warning", message=message, advice=advice)


def _oldest(lag: Lag, *, alive: bool) -> Finding:
    if lag.oldest_due_s is None:
        return Finding(check="queue", level="ok", message="no job is waiting for its turn")
    message = f"the oldest due job has waited for {_duration(lag.oldest_due_s)}"
    if not alive or lag.oldest_due_s < LAG_S:
        return Finding(check="queue", level="ok", message=message)
    advice = "`pressroom status` shows what runs; a higher `concurrency` runs more at a time."
    return Finding(check="queue", level="warning", message=message, advice=advice)


def _jobs(stats: Stats) -> Finding:
    kinds = [f"{kind}: {_counts(states)}" for kind, states in sorted(stats.kinds.items()) if states]
    whole = _counts(stats.jobs) or "none"
    return Finding(check="jobs", level="ok", message="; ".join([whole, *kinds]))


def _counts(states: Mapping[JobState, int]) -> str:
    return ", ".join(f"{states[state]:,} {state}" for state in JobState if states.get(state))


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
