"""What interfaces may do with the content of a workspace: one line a verb, each in `actions`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import ParamSpec, Protocol, TypeVar

from mcp_server.content.actions.aftermath import TakenBack, files_written, taken_back
from mcp_server.content.actions.brief import BriefAction
from mcp_server.content.actions.calls import ChangeCall, GenerateCall, Note, Submitted
from mcp_server.content.actions.check import CheckAction
from mcp_server.content.actions.drafting_model import DraftingModel
from mcp_server.content.actions.edit import EditAction
from mcp_server.content.actions.first_look import FirstLook
from mcp_server.content.actions.generate import GenerateAction
from mcp_server.content.actions.promote import PromoteAction
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.related_texts import RelatedTexts
from mcp_server.content.actions.retry import RetryAction
from mcp_server.content.actions.review import ReviewAction
from mcp_server.content.actions.review_contains import ContainingAction
from mcp_server.content.actions.review_findings import FindingsAction
from mcp_server.content.actions.review_kept import KeptAction
from mcp_server.content.actions.review_past import HistoryAction, ThenAction
from mcp_server.content.actions.rollback import RollbackAction
from mcp_server.content.actions.rollback_target import RollbackTarget
from mcp_server.content.actions.search import SearchAction
from mcp_server.content.actions.site_pages import SitePages
from mcp_server.content.actions.submit import Submitter
from mcp_server.content.actions.unpublish import UnpublishAction
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.entities.entity import Author
from mcp_server.entities.meaning import MeaningStore
from mcp_server.entities.store import About, Change, Edit, EntityStore
from mcp_server.errors import Overtaken
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, Origin
from mcp_server.jobs.queue import JobQueue
from mcp_server.meaning.finding import Finder
from mcp_server.meaning.near import Neighbours

LOOKS_MAX = 3
"""How often a call looks again, because what it saw has changed before it was done."""


class _Answer(Protocol):
    @property
    def notes(self) -> Sequence[Note]: ...


P = ParamSpec("P")
A = TypeVar("A", bound=_Answer)
C = TypeVar("C", GenerateCall, ChangeCall)


class ContentService:
    """The actions of one workspace, each called as a method is: `content.promote(call, origin)`.

    The site may change between the look that a plan is made from and its submission. The jobs find
    that out: they carry the hashes that the plan saw.
    """

    def __init__(
        self,
        reader: ContentReader,
        entities: EntityStore,
        batches: BatchService,
        submitter: Submitter,
        files: PageFiles,
        model: DraftingModel,
        queue: JobQueue,
        meaning: MeaningStore,
        finder: Finder,
        *,
        only_words: str | None,
        entity_types: Collection[str],
        why_not_embedded: Callable[[], Awaitable[str | None]],
        max_retries: int,
        related_tokens: int = 0,
    ) -> None:
        self._entities, self._batches, self._files = entities, batches, files
        self._reader, self._first_look = reader, FirstLook(reader, queue)
        neighbours = Neighbours(meaning, finder.embedder, finder.index, finder.questions)
        pages = SitePages(files, entities)
        related = RelatedTexts(entities, pages, neighbours, tokens_max=related_tokens)
        generate = GenerateAction(
            reader,
            entities,
            submitter,
            model,
            max_retries=max_retries,
            related_tokens=related.tokens_max,
        )
        self.generate = self._telling(self._looking(generate.__call__))
        promote = PromoteAction(reader, submitter, batches)
        self.promote = self._telling(self._looking(promote.__call__))
        target = RollbackTarget(entities, batches)
        rollback = RollbackAction(reader, submitter, batches, target)
        self.rollback = self._telling(self._looking(rollback.__call__))
        unpublish = UnpublishAction(reader, submitter)
        self.unpublish = self._telling(self._looking(unpublish.__call__))
        self.retry = self._telling(RetryAction(reader, entities, batches, model).__call__)
        self.brief = self._telling(BriefAction(reader, related).__call__)
        self.edit = self._telling(EditAction(reader, entities, batches).__call__)
        self.check = self._telling(CheckAction(reader, meaning).__call__)
        self.review = self._telling(ReviewAction(reader, batches).__call__)
        self.history = self._telling(HistoryAction(reader, entities, batches).__call__)
        self.kept = self._telling(KeptAction(reader, entities, batches).__call__)
        self.then = self._telling(ThenAction(reader, entities, batches).__call__)
        self.containing = self._telling(ContainingAction(reader, batches).__call__)
        self.with_findings = self._telling(FindingsAction(reader, batches, meaning).__call__)
        search = SearchAction(
            reader,
            entities,
            finder,
            self._first_look,
            only_words=only_words,
            entity_types=entity_types,
            why_not_embedded=why_not_embedded,
        )
        self.search = self._telling(search.__call__)
        self.plans = {
            "promote": self.promote,
            "rollback": self.rollback,
            "unpublish": self.unpublish,
        }
        """By the verb, the action whose dry run says what it would do."""

    def _telling(self, action: Callable[P, Awaitable[A]]) -> Callable[P, Awaitable[A]]:
        """Return the action so that what its answer notes counts as told.

        What has changed under it, such as a page file that somebody saves, is looked at again.
        """

        async def told(*args: P.args, **kwargs: P.kwargs) -> A:
            for left in reversed(range(LOOKS_MAX)):
                try:
                    answer = await action(*args, **kwargs)
                except Overtaken:
                    if left == 0:
                        raise
                else:
                    self._reader.told(answer.notes)
                    return answer
            raise AssertionError("it is raised at the last look")

        return told

    def _looking(
        self, action: Callable[[C, Origin], Awaitable[Submitted]]
    ) -> Callable[[C, Origin], Awaitable[Submitted]]:
        """Return the action so that the first look at the other pages follows what it queues."""

        async def looking(call: C, origin: Origin) -> Submitted:
            answer = await action(call, origin)
            if answer.batch_id is not None and not answer.duplicate:
                await self._first_look(origin)
            return answer

        return looking

    async def template_of(self, section: str, site_hash: str | None) -> str | None:
        """Return the template that a section has in a stored site, `None` if it is not known."""
        return await self._reader.template_of(section, site_hash)

    async def taken_back(self, batch: Batch) -> TakenBack | None:
        """Return what a rollback that still stands has taken back of the batch, if there is one."""
        return await taken_back(batch, self._batches, self._entities)

    async def changes(
        self, batch: Batch, type: str, sections: Collection[str]
    ) -> Mapping[str, Change]:
        """Return what a batch has made of these drafts, or live texts, as `type` says."""
        return await self._entities.changes_of_batch(batch.id, type, sections)

    async def edits(
        self, about: About | None, *, since: float, before: int | None = None, limit: int
    ) -> Sequence[Edit]:
        """Return what was written by hand outside any batch, newest first."""
        return await self._entities.edits(about, since=since, before=before, limit=limit)

    async def edit_counts(self, about: About | None, *, since: float) -> Mapping[Author, int]:
        """Return how much was written by hand outside any batch, by whom."""
        return await self._entities.edit_counts(about, since=since)

    async def batches_about(self, about: About) -> Collection[str]:
        """Return the ids of the batches that wrote texts of a section, or on a page."""
        return await self._entities.batches_about(about)

    async def files_written(self, batch: Batch, *, failed: Collection[str] = ()) -> Sequence[str]:
        """Return the files that a batch has written, as `content/menu.md`, or removed."""
        return await files_written(batch, self._files, self._entities, failed=failed)
