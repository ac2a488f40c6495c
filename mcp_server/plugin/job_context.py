"""What handlers are given: the attempt's own facts, content to read, and ways to report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.content.drafting.drafter import Drafted, Drafter, DraftRequest, drafter_for
from mcp_server.content.drafting.errors import ModelKeyRefused, ModelUntrusted
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import site_from_document
from mcp_server.entities.store import EntityStore
from mcp_server.errors import StorageError
from mcp_server.jobs.job import Attempt, Job
from mcp_server.jobs.outcome import Enqueue
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.attempt import Progress
from mcp_server.trust import Grants, ModelTrust


class Workbench:
    """What all attempts of one worker share: parsed sites, and one drafter for each model."""

    def __init__(
        self,
        store: JobStore,
        entities: EntityStore,
        files: PageFiles,
        registry: Registry,
        clock: Clock,
        *,
        composer_delay_s: float,
        model: ModelChoice,
        grants: Grants,
        model_problem: str | None = None,
        present_site: Callable[[], Site],
    ) -> None:
        self.store, self.entities, self.files, self.clock = store, entities, files, clock
        self.registry, self.model = registry, model
        self._grants, self._model_problem = grants, model_problem
        self._present_site = present_site
        self._composer_delay_s = composer_delay_s
        self._sites: dict[str, Site] = {}
        self._drafters: dict[tuple[ModelChoice, ModelTrust], Drafter] = {}

    def context(self, attempt: Attempt, progress: Progress) -> JobContext:
        """Return what a handler is given for this attempt."""
        return JobContext(attempt, progress, self)

    async def site(self, hash: str | None) -> Site:
        """Return the site stored under this hash, parsed once; without one, as its files are now.

        Raises:
            Unavailable: the files cannot be used as they are.
        """
        if hash is None:
            return await anyio.to_thread.run_sync(self._present_site)
        if hash not in self._sites:
            document = await self.entities.get_site(hash)
            if document is None:
                raise StorageError(f"the site {hash} is not stored")
            self._sites[hash] = await anyio.to_thread.run_sync(site_from_document, document)
        return self._sites[hash]

    async def drafter(self, choice: ModelChoice) -> Drafter:
        """Return the drafter for a model; one for all attempts.

        Raises:
            ModelKeyRefused: its address in the settings cannot be used.
            ModelUntrusted: the workspace's user has not said that it may be asked.
        """
        if self._model_problem is not None and choice == self.model:
            raise ModelKeyRefused(choice.name, status=None, hint=self._model_problem)
        trust = await anyio.to_thread.run_sync(self._grants.of_model, choice.name, choice.url)
        if trust == "untrusted":
            raise ModelUntrusted(choice.name)
        known = (choice, trust)
        if known not in self._drafters:
            self._drafters[known] = drafter_for(
                choice,
                composer_delay_s=self._composer_delay_s,
                keyless=trust == "keyless",
            )
        return self._drafters[known]

    async def aclose(self) -> None:
        """Close the drafters' connections."""
        for drafter in self._drafters.values():
            await drafter.aclose()


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a handler is given beside its payload. Content is only read; changes are effects."""

    _attempt: Attempt
    progress: Progress
    """`await context.progress(current, total, message)` says how far the work is."""
    _bench: Workbench

    @property
    def job(self) -> Job:
        """The job, as it was claimed."""
        return self._attempt.job

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the round was promised: the site's hash, and the model where one drafts.

        Empty for jobs outside any batch, and for those of a plugin.
        """
        return self._attempt.terms

    @property
    def entities(self) -> EntityStore:
        """Stored content, to read."""
        return self._bench.entities

    @property
    def files(self) -> PageFiles:
        """The folder that pages are exported to."""
        return self._bench.files

    async def site(self) -> Site:
        """Return the site as it was when the round began; where that promised none, as it is now.

        Raises:
            Unavailable: it is to be as it is now, and cannot be used as it is.
        """
        return await self._bench.site(self.terms.get("site"))

    async def draft(self, request: DraftRequest) -> Drafted:
        """Write a section with the model that the round was promised, or else the worker's own.

        Raises:
            ComposerGap: the composer lacks facts.
            ModelTrouble: one of its subclasses says how asking the model ended.
        """
        drafter = await self._bench.drafter(self._model)
        return await drafter.draft(request, self.progress)

    async def checkpoint(self, effects: Sequence[object]) -> str | None:
        """Apply effects now, and go on; return the conflict where one does not apply.

        Raises:
            LostClaim: the job belongs to another attempt: stop.
            CallerError: one of them asks for a job that cannot be queued.
        """
        for effect in effects:
            if isinstance(effect, Enqueue):
                self._bench.registry.check(effect.job)
        now = self._bench.clock.now()
        return await self._bench.store.checkpoint(self._attempt, effects, now=now)

    @property
    def _model(self) -> ModelChoice:
        if "model" not in self.terms:
            return self._bench.model
        return ModelChoice(name=self.terms["model"], url=self.terms.get("modelUrl"))
