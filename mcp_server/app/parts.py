"""An open workspace: the database, and what works on it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.to_thread
import structlog

from mcp_server.app.embedders import (
    Elsewhere,
    abilities_to_embed,
    embedded_now,
    embedder_for,
)
from mcp_server.app.installation import HANDLERS, not_whole
from mcp_server.clock import Clock, new_id
from mcp_server.config import Workspace
from mcp_server.content.actions.payloads import JOB_KINDS, OF_FILES
from mcp_server.content.drafting.keys import announced_abilities
from mcp_server.content.drafting.model import ModelChoice, abilities
from mcp_server.content.pages.elsewhere import FilesElsewhere
from mcp_server.content.pages.page_files import PageFiles, page_files
from mcp_server.entities.meaning import Embedder, embedding_of_all
from mcp_server.folder import Folder
from mcp_server.jobs.batch import BatchLimits, BatchService
from mcp_server.jobs.host.health import WorkerMode
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.host.presence import MACHINE, NUMBERING
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.records import Host
from mcp_server.jobs.registry import Registry, discover
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.telemetry import AttemptFigures
from mcp_server.meaning.index import VectorIndex
from mcp_server.plugin.jobs import Jobs
from mcp_server.plugin.loading import Plugins
from mcp_server.storage.opening import open_database, page_lock_of, pages_folder
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.content.meanings import SqlMeaningStore
from mcp_server.storage.sql.content.store import SqlEntityStore
from mcp_server.storage.sql.page_folder import has_pages
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sql.usage import SqlLedger
from mcp_server.storage.sqlite.file.place import unsafe_place
from mcp_server.storage.sqlite.file.platform import ELSEWHERE, check_locks, check_sqlite
from mcp_server.trust import Grants, StateFolder

EMBED_AFTER_S = 1.0
"""How long changed texts wait for others, to be embedded together."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """An open workspace: what servers and workers both need of it."""

    workspace: Workspace
    store: SqlJobStore
    entities: SqlEntityStore
    meaning: SqlMeaningStore
    embedder: Embedder | None
    """Embeds a question, or one entity that is waited for; see `embedder_of_worker`."""
    embedded_elsewhere: Callable[[], Awaitable[str | None]]
    """Returns the ability that this machine lacks, and others are to embed with."""
    vectors: VectorIndex | None
    """Those in memory, of a server and of the worker beside it; `None` without an embedder."""
    ledger: SqlLedger
    registry: Registry
    plugins: Plugins
    jobs: Jobs
    hub: Hub
    files: PageFiles
    left_to_others: frozenset[str]
    """Kinds of jobs that this machine does not run: those of files in another one's folder."""
    model: ModelChoice
    abilities: frozenset[str]
    clock: Clock
    lock: WorkerLock
    state: StateFolder
    grants: Grants
    figures: AttemptFigures = field(default_factory=AttemptFigures)
    """Counted from the attempts that run in this process."""

    @property
    def runs(self) -> Registry:
        """The kinds of jobs that are run here."""
        return self.registry.without(self.left_to_others) if self.left_to_others else self.registry

    @property
    def state_folder(self) -> Folder:
        """The state folder, to open files in."""
        return self.workspace.folder(self.workspace.state_dir)

    def host(self, role: Literal["server", "worker"], mode: WorkerMode | None = None) -> Host:
        """Return the record by which this process makes itself known in the database."""
        settings = self.workspace.settings
        details: dict[str, Any] = {
            "kinds": sorted(self.runs.kinds),
            "files": not self.left_to_others,
            "machine": MACHINE,
            "numbering": NUMBERING,
        }
        if mode:
            details |= {"mode": mode, "concurrency": settings.concurrency}
        return Host(
            id=new_id("h", self.clock),
            role=role,
            pid=os.getpid(),
            version=version("pressroom"),
            abilities=self.abilities,
            details=details,
        )


def load_plugins() -> Plugins:
    """Return Pressroom's own job kinds together with those of the installed plugins.

    Raises:
        ConfigError: a kind that our tools queue has no handler.
    """
    plugins = Plugins(Registry(discover(HANDLERS)))
    plugins.load()
    if missing := sorted(set(JOB_KINDS) - plugins.registry.kinds):
        raise not_whole(missing)
    return plugins


def _prepare(state: StateFolder, folder: Path) -> None:
    check_sqlite()  # before the first trace of a state folder
    state.prepare()
    check_locks(folder)


async def warn_of_place(workspace: Workspace) -> None:
    """Log it if the database lies where it may be damaged."""
    if why := await anyio.to_thread.run_sync(unsafe_place, workspace.database):
        logger.warning("the database may be damaged", why=why, advice=ELSEWHERE)


@asynccontextmanager
async def open_parts(
    workspace: Workspace, clock: Clock, plugins: Plugins | None = None
) -> AsyncGenerator[Parts]:
    """Open the workspace's database and all that uses it; without `plugins`, our own kinds only.

    Raises:
        Unavailable: a newer Pressroom wrote the database, the state folder cannot be written, or
            the machine lacks what is needed.
        StorageError: the database cannot be opened.
        ConfigError: a setting cannot be used.
    """
    settings = workspace.settings
    state = StateFolder(workspace)
    await anyio.to_thread.run_sync(_prepare, state, workspace.state_dir)
    grants = Grants(workspace, state)
    model = ModelChoice(name=settings.model or "composer", url=settings.model_url)
    # In a thread: the system keyring may take seconds to answer.
    keys = await anyio.to_thread.run_sync(abilities, os.environ, model)
    keys |= announced_abilities(os.environ)
    keys |= await anyio.to_thread.run_sync(abilities_to_embed, workspace, grants)
    plugins = plugins or Plugins(Registry(discover(HANDLERS)))
    plugins.read_settings(workspace.plugins, os.environ)
    registry = plugins.registry.bounded(settings.payload_bytes_max, limits=settings.limits)
    async with open_database(workspace, state, grants, poll_s=settings.poll_s) as database:
        clock = database.clock(clock)
        new_job_id = partial(new_id, "j", clock)
        store = SqlJobStore(database, _effects(workspace), new_job_id)
        entities = SqlEntityStore(database)
        hub = Hub(store, buffer=settings.subscriber_buffer)
        limits = BatchLimits(jobs_max=settings.batch_jobs_max)
        meaning = SqlMeaningStore(database)
        embedder = await embedder_for(workspace, grants, meaning)
        elsewhere = Elsewhere(workspace, grants, store, meaning)
        here = not settings.database or await has_pages(database, pages_folder(workspace, state))
        kind = PageFiles if here else FilesElsewhere
        jobs = Jobs(
            store=store,
            queue=JobQueue(store, registry, clock, new_job_id, hub),
            batches=BatchService(store, registry, clock, new_job_id, limits, hub),
            new_batch_id=partial(new_id, "b", clock),
            entities=entities,
            embed=partial(embedded_now, elsewhere, embedder),
            now=clock.now,
        )
        plugins.connect(jobs)
        try:
            yield Parts(
                workspace=workspace,
                store=store,
                entities=entities,
                meaning=meaning,
                embedder=embedder,
                embedded_elsewhere=elsewhere,
                vectors=None if embedder is None else VectorIndex(meaning, embedder),
                ledger=SqlLedger(database),
                registry=registry,
                plugins=plugins,
                jobs=jobs,
                hub=hub,
                files=page_files(workspace, grants, page_lock_of(workspace), kind),
                left_to_others=frozenset() if here else OF_FILES,
                state=state,
                grants=grants,
                model=model,
                abilities=keys,
                clock=clock,
                lock=WorkerLock(workspace.worker_lock),
            )
        finally:
            if embedder is not None:
                # Shielded, as a cancelled task could not close anything; bounded, so that it ends.
                with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                    await embedder.aclose()


@asynccontextmanager
async def open_store(parts: Parts) -> AsyncGenerator[JobStore]:
    """Open the queue a second time, for the watchdog: its thread has an event loop of its own."""
    async with open_database(parts.workspace, parts.state, parts.grants) as database:
        effects = _effects(parts.workspace)
        yield SqlJobStore(database, effects, partial(new_id, "j", parts.clock))


def _effects(workspace: Workspace) -> ContentEffects:
    """Return what applies effects, and has every text that they change embedded."""
    if workspace.settings.embedder == "off":
        return ContentEffects()
    return ContentEffects(embeds=embedding_of_all(delay_s=EMBED_AFTER_S))
