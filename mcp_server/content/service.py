"""What interfaces may do with the content of a workspace: one method a verb, each in `actions`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mcp_server.content.actions.aftermath import files_written, undone_by
from mcp_server.content.actions.calls import ChangeCall, GenerateCall, Selector, Submitted
from mcp_server.content.actions.drafting_model import DraftingModel
from mcp_server.content.actions.generate import GenerateAction
from mcp_server.content.actions.promote import PromoteAction
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.retry import RetryAction
from mcp_server.content.actions.review import ReviewAction
from mcp_server.content.actions.reviewed import Reviewed
from mcp_server.content.actions.rollback import RollbackAction
from mcp_server.content.actions.rollback_target import RollbackTarget
from mcp_server.content.actions.submit import Submitter
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.entities.store import EntityStore
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, Origin


class ContentService:
    """The actions of one workspace.

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
        *,
        max_retries: int,
    ) -> None:
        self._entities, self._batches, self._files = entities, batches, files
        self._generate = GenerateAction(reader, submitter, model, max_retries=max_retries)
        self._promote = PromoteAction(reader, submitter, batches)
        target = RollbackTarget(entities, batches)
        self._rollback = RollbackAction(reader, submitter, batches, target)
        self._retry = RetryAction(reader, entities, batches, model)
        self._review = ReviewAction(reader, batches)

    async def generate(self, call: GenerateCall, origin: Origin) -> Submitted:
        """Queue the drafting of the selected sections; see `GenerateAction`."""
        return await self._generate(call, origin)

    async def promote(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Queue the promotion of drafts; see `PromoteAction`."""
        return await self._promote(call, origin)

    async def rollback(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Queue taking changes to the live texts back; see `RollbackAction`."""
        return await self._rollback(call, origin)

    async def retry(
        self, batch_id: str, origin: Origin, *, request_key: str | None = None
    ) -> Submitted:
        """Take up again what failed, was cancelled or is paused; see `RetryAction`."""
        return await self._retry(batch_id, origin, request_key=request_key)

    async def review(
        self,
        selector: Selector,
        origin: Origin,
        *,
        states: Collection[str] = (),
        diff: bool = False,
        limit: int,
        cursor: int = 0,
    ) -> Reviewed:
        """Return state and texts of each selected section; see `ReviewAction`."""
        return await self._review(
            selector, origin, states=states, diff=diff, limit=limit, cursor=cursor
        )

    async def undone_by(self, batch: Batch) -> Batch | None:
        """Return the rollback of the batch that still stands, `None` if there is none."""
        return await undone_by(batch, self._batches, self._entities)

    async def files_written(self, batch_id: str, *, failed: Collection[str] = ()) -> Sequence[str]:
        """Return the files that a batch's changes were written to, as `content/menu.md`."""
        return await files_written(batch_id, self._files, self._entities, failed=failed)
