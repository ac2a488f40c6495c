"""What all attempts of one worker share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.config import Budget
from mcp_server.content.actions.page_look import layout_for
from mcp_server.content.actions.related_texts import RelatedTexts
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.site_pages import SitePages
from mcp_server.content.drafting.budget import RoundBudget
from mcp_server.content.drafting.drafter import Drafter, drafter_for
from mcp_server.content.drafting.errors import ModelKeyRefused, ModelUntrusted
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.drafting.purse import Purse
from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import SiteLoader, site_from_document
from mcp_server.entities.meaning import Embedder, MeaningStore
from mcp_server.entities.store import EntityStore
from mcp_server.entities.usage import Ledger
from mcp_server.errors import StorageError, Unavailable
from mcp_server.jobs.job import Attempt, Json
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.store import JobStore
from mcp_server.meaning.index import VectorIndex
from mcp_server.meaning.near import Neighbours
from mcp_server.plugin.settings import PluginSettings
from mcp_server.trust import Grants, ModelTrust


async def _nowhere() -> None:
    """Have texts embedded here."""


class Workbench:
    """What all attempts of one worker share: parsed sites, and one drafter for each model."""

    def __init__(
        self,
        store: JobStore,
        entities: EntityStore,
        meaning: MeaningStore,
        files: PageFiles,
        registry: Registry,
        clock: Clock,
        *,
        embedder: Embedder | None = None,
        embedded_elsewhere: Callable[[], Awaitable[str | None]] = _nowhere,
        composer_delay_s: float,
        model: ModelChoice,
        grants: Grants,
        model_problem: str | None = None,
        present_site: SiteLoader,
        ledger: Ledger | None = None,
        budget: Budget | None = None,
        vectors: VectorIndex | None = None,
        related_tokens: int = 0,
        settings: PluginSettings | None = None,
        plugin_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self.store, self.entities, self.files, self.clock = store, entities, files, clock
        self.registry, self.model = registry, model
        self.meaning, self.embedder = meaning, embedder
        self.embedded_by = None if embedder is None else embedder.name
        """The name that all vectors have, or whose texts are queued. A question may be the first to
        find out that it is another."""
        self.embedded_elsewhere = embedded_elsewhere
        """The ability that other workers are to embed with, as this one lacks it."""
        self.settings, self.plugin_of = settings or PluginSettings(), plugin_of
        self._grants, self._model_problem = grants, model_problem
        self._present_site = present_site
        self._ledger, self._budget = ledger, budget or Budget()
        self._composer_delay_s = composer_delay_s
        self._pages = SitePages(files, entities)
        self._neighbours = Neighbours(meaning, embedder, vectors)
        self.related = RelatedTexts(
            entities, self._pages, self._neighbours, tokens_max=related_tokens
        )
        self._sites: dict[str, Site] = {}
        self._drafters: dict[tuple[ModelChoice, ModelTrust], Drafter] = {}

    async def site(self, hash: str | None, page: str | None = None) -> Site:
        """Return the site stored under this hash, parsed once; without one, as its files are now.

        Of its collections' pages it has the one that is named.

        Raises:
            Unavailable: the files cannot be used as they are.
        """
        site = await self._stored(hash)
        return site if page is None else await self._pages.of_page(site, page)

    async def _stored(self, hash: str | None) -> Site:
        if hash is None:
            return await anyio.to_thread.run_sync(self._present_site.load)
        if hash not in self._sites:
            document = await self.entities.get_site(hash)
            if document is None:
                raise StorageError(f"the site {hash} is not stored")
            self._sites[hash] = await anyio.to_thread.run_sync(site_from_document, document)
        return self._sites[hash]

    async def layout(self, page: str, terms: Json) -> Layout | None:
        """Return what a page's file consists of; `None` if there is no such page.

        Raises:
            Unavailable: as `site`.
        """
        site = await self.site(terms.get("site"), page)
        stored = await self.entities.page_files([page])
        return layout_for(SiteContent(site=site, drafts={}, live={}, files=stored), page)

    async def is_locked(self, section: str, terms: Json) -> bool:
        """Whether a person has locked a section, as the site's files say now.

        While they cannot be used, what the round was promised counts.
        """
        if not await anyio.to_thread.run_sync(self._present_site.may_lock):
            return False
        try:
            site = await self.site(None)
        except Unavailable:
            site = await self.site(terms["site"]) if "site" in terms else None
        return site is not None and site.is_locked(section)

    async def drafter(self, terms: Json) -> Drafter:
        """Return the drafter for the model that a round was promised, or else the worker's own.

        There is one for all attempts.

        Raises:
            ModelKeyRefused: its address in the settings cannot be used.
            ModelUntrusted: the workspace's user has not said that it may be asked.
        """
        choice = self.choice(terms)
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
                clock=self.clock,
            )
        return self._drafters[known]

    async def get_ready(self) -> None:
        """Load what a draft would have to wait for, if it is likely to be needed."""
        if self.related.tokens_max and not self.model.is_composer:
            await self._neighbours.get_ready()

    def purse(self, attempt: Attempt) -> Purse | None:
        """Return what an attempt pays its requests from, `None` where no ledger is kept."""
        if self._ledger is None:
            return None
        budget = RoundBudget.within(attempt.terms, self._budget)
        return Purse(ledger=self._ledger, clock=self.clock, budget=budget, attempt=attempt)

    def choice(self, terms: Json) -> ModelChoice:
        """Return the model that a round was promised, or else the worker's own."""
        if "model" not in terms:
            return self.model
        return ModelChoice(name=terms["model"], url=terms.get("modelUrl"))

    async def aclose(self) -> None:
        """Close the drafters' connections."""
        for drafter in self._drafters.values():
            await drafter.aclose()
