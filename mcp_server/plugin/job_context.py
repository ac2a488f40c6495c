"""What handlers are given: the attempt's own facts, content to read, and ways to report."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from mcp_server.errors import ConfigError, Unavailable
from mcp_server.jobs.outcome import Enqueue
from mcp_server.plugin.log import logger_of

if TYPE_CHECKING:  # a handler's own process imports this, and starts twice as fast without the rest
    from structlog.typing import FilteringBoundLogger

    from mcp_server.content.actions.page_look import PageLook
    from mcp_server.content.drafting.drafter import Drafted
    from mcp_server.content.drafting.prompt import DraftRequest
    from mcp_server.content.drafting.related import Related
    from mcp_server.content.pages.look import Looked
    from mcp_server.content.pages.page_files import PageFiles
    from mcp_server.content.site import Site
    from mcp_server.entities.effects import SaveVector
    from mcp_server.entities.meaning import Unembedded
    from mcp_server.entities.store import EntityStore, Snapshot
    from mcp_server.jobs.job import Attempt, Job
    from mcp_server.jobs.worker.attempt import Progress
    from mcp_server.plugin.workbench import Workbench

S = TypeVar("S", bound=BaseModel)

KEPT_MAX = 1_000
"""Of what was kept of a page's file, how much a rollback looks through: several for each write."""


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
    def now(self) -> float:
        """The time, in seconds since the epoch, to put something off from."""
        return self._bench.clock.now()

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

    @property
    def logger(self) -> FilteringBoundLogger:
        """A structlog logger whose lines name the plugin, the job and its kind.

        They go to the worker's log. Known secrets, and what looks like one, are taken out of texts.
        """
        return logger_of(self._bench.plugin_of(self.job.kind), self.job)

    def settings(self, model: type[S]) -> S:
        """Return what is set for the plugin, as the model that it has registered.

        Raises:
            Unavailable: it cannot be used as it is: the job fails, and says why.
        """
        try:
            return self._bench.settings.get(model)
        except ConfigError as error:
            raise Unavailable(str(error)) from error

    async def site(self, page: str | None = None) -> Site:
        """Return the site as it was when the round began; where that promised none, as it is now.

        Of its collections' pages it has the one that is named.

        Raises:
            Unavailable: it is to be as it is now, and cannot be used as it is.
        """
        return await self._bench.site(self.terms.get("site"), page)

    @asynccontextmanager
    async def locked_page(self, page: str) -> AsyncGenerator[bool]:
        """Keep everybody else from writing a page's file meanwhile; false if there is no such page.

        While git changes files here, it waits a little first.

        Raises:
            PageHeld: another process holds it for too long.
            ExportFailed: it cannot be locked.
        """
        layout = await self._bench.layout(page, self.terms)
        if layout is None:
            yield False
            return
        await self.files.git_is_done()
        async with self.files.locked(layout):
            yield True

    async def begin_waits(self, pages: Sequence[str]) -> None:
        """Begin the wait for all of these pages' files that may just be being saved (P3).

        Looks at one after the other then wait once, and not for each.
        """
        found = [await self._bench.layout(page, self.terms) for page in pages]
        await self.files.begin_waits(layout for layout in found if layout is not None)

    async def look(self, page: str, *, alone: bool = False) -> PageLook | None:
        """Return what a page's file says by now, and store what somebody has changed there (P4).

        `None`: there is no such page. `alone`: the caller holds the page's lock.

        Raises:
            LostClaim: the job belongs to another attempt: stop.
        """
        from mcp_server.content.actions.page_look import look_and_store  # noqa: PLC0415 - as above

        site = await self._bench.site(self.terms.get("site"), page)
        return await look_and_store(
            site, page, self.entities, self.files, self.checkpoint, alone=alone
        )

    async def earlier_bytes(self, looked: Looked) -> Sequence[bytes]:
        """Return what our last writes of a page's file have replaced, newest first.

        As far back as nobody else has changed it in between: a batch may write a page several
        times, and a rollback puts the bytes before it back exactly (P9). What was there before a
        file went is what it was last, whether it is not there now or was made again.
        """
        from mcp_server.content.pages.earlier import earlier_hashes  # noqa: PLC0415 - as above

        known = looked.known
        versions = await self.entities.latest_kept(known.page, limit=KEPT_MAX)
        hashes = earlier_hashes(versions, known.hash)
        kept = [await self.entities.page_bytes(each) for each in hashes]
        return [data for data in kept if data is not None]

    async def earlier_writes(
        self, looked: Looked
    ) -> tuple[Sequence[tuple[bytes, bytes]], bytes | None]:
        """Return what the last writes of a page's file replaced, and what they left; newest first.

        Of a file that somebody has changed since, a rollback takes one of them back (P9). And what
        the file was before it began to, which may be in several writes.
        """
        from mcp_server.content.pages.earlier import undoable  # noqa: PLC0415 - as above

        known = looked.known
        versions = await self.entities.latest_kept(known.page, limit=KEPT_MAX)
        found = undoable(versions, known.hash)
        pairs: list[tuple[bytes, bytes]] = []
        for before, after in found.writes:
            was = await self.entities.page_bytes(before)
            left = await self.entities.page_bytes(after)
            if was is not None and left is not None:
                pairs.append((was, left))
        return pairs, await self.entities.page_bytes(found.since) if found.since else None

    async def why_locked(self, section: str) -> str | None:
        """Return why nothing may be done to a section that a person has locked, else `None`.

        The site counts as it is now: a lock holds for what was queued before it, too.
        """
        from mcp_server.content.actions.locks import SITE_FILE, locked_in  # noqa: PLC0415 - as above

        return locked_in(SITE_FILE) if await self._bench.is_locked(section, self.terms) else None

    async def draft(self, request: DraftRequest) -> Drafted:
        """Write a section with the model that the round was promised, or else the worker's own.

        Raises:
            ComposerGap: the composer lacks facts.
            ModelTrouble: one of its subclasses says how asking the model ended.
        """
        drafter = await self._bench.drafter(self.terms)
        return await drafter.draft(request, self.progress, self._bench.purse(self._attempt))

    async def related(self, request: DraftRequest, stored: Snapshot) -> tuple[Related, ...]:
        """Return what other sections say that a draft is shown; the composer has no use for it.

        `stored` is what is stored of the section's page.
        """
        from mcp_server.content.actions.related_texts import Asking  # noqa: PLC0415 - as above

        if self._bench.choice(self.terms).is_composer:
            return ()
        return await self._bench.related.of(
            Asking(
                site=request.site,
                section=request.section,
                template=request.template,
                drafts=stored.drafts,
                live=stored.live,
                page_text=request.page_text,
            )
        )

    async def unembedded(
        self, ids: Collection[tuple[str, str]] | None = None, *, limit: int
    ) -> Sequence[Unembedded]:
        """Return texts that search does not know yet: those of `ids` (type and id), or the newest.

        One that was removed is among them, as search is to forget it.
        """
        return await self._bench.meaning.unembedded(ids, limit=limit)

    async def embedded_elsewhere(self) -> Enqueue | None:
        """Return what queues this job for a worker that can embed; `None` where this one is to.

        One that waited for such a worker goes no further: what is in its way then is told.
        """
        from mcp_server.entities.meaning import embedding_by  # noqa: PLC0415 - as above

        if self.job.requires is not None:
            return None
        ability = await self._bench.embedded_elsewhere()
        return None if ability is None else Enqueue(embedding_by(ability, self.job))

    async def embed(self, texts: Sequence[Unembedded]) -> Sequence[SaveVector | Enqueue]:
        """Return the effects that make texts known to search.

        If the model is found to be another than that of the texts before, those follow.

        Raises:
            EmbeddingTrouble: no vectors can be made now, or ever; it says which.
        """
        from mcp_server.entities.meaning import embedding_of_all  # noqa: PLC0415 - as above
        from mcp_server.meaning.making import effects_of  # noqa: PLC0415

        bench, embedder = self._bench, self._bench.embedder
        effects = await effects_of(texts, embedder)
        if embedder is None or embedder.name == bench.embedded_by:  # nearly always
            return effects
        again = await bench.meaning.embed_again(embedder.name)
        bench.embedded_by = embedder.name
        return [*effects, Enqueue(embedding_of_all())] if again else effects

    async def save_words(self, *, at_once: int) -> None:
        """Let all texts be found by their words that search does not know yet.

        They stay among those to embed. So many are read and stored together.

        Raises:
            LostClaim: the job belongs to another attempt: stop.
        """
        from mcp_server.meaning.making import words_of_all  # noqa: PLC0415 - as above

        before: int | None = None
        while texts := await self._bench.meaning.wordless(before=before, limit=at_once):
            await self.checkpoint(await words_of_all(texts))
            before = texts[-1].order

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


def context_maker(bench: Workbench) -> Callable[[Attempt, Progress], JobContext]:
    """Return what makes the context of each attempt of one worker."""
    return partial(JobContext, _bench=bench)
