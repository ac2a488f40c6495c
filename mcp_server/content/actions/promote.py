"""`promote`: queue making drafts the live texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import anyio.to_thread

from mcp_server.content.actions.answer import answer, on_digest
from mcp_server.content.actions.calls import ChangeCall, Note, Submitted
from mcp_server.content.actions.locks import refuse_locked
from mcp_server.content.actions.looks import look_effects, on_takeovers
from mcp_server.content.actions.page_look import has_pending
from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.promote_notes import on_files, on_marks, with_findings
from mcp_server.content.actions.promote_plan import plan_promote
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.submit import Conditions, Submitter, key_of
from mcp_server.entities.entity import page_of, split_id
from mcp_server.errors import InvalidPayload
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin
from mcp_server.progress.verbs import GENERATE, PROMOTE


class PromoteAction:
    """Queues the promotion of drafts: what the selector means, or what a batch drafted."""

    def __init__(self, reader: ContentReader, submitter: Submitter, batches: BatchService) -> None:
        self._reader, self._submitter, self._batches = reader, submitter, batches

    async def __call__(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Read the content, plan, submit, answer. A dry run submits nothing.

        Raises:
            NotFound: a page, section or batch does not exist; names the nearest.
            InvalidTransition: what is named is locked.
            InvalidPayload: the batch is not one that drafts, or `digest` is not that of what would
                be promoted now.
        """
        if before := await self._submitter.answered_before(PROMOTE, call, origin):
            return before
        pages = await self._reader.drafted_pages(call.batch_id) if call.batch_id else None
        content, selection, notes = await self._reader.select(call.selector, pages)
        drafted = None
        if call.batch_id:
            notes += await self._still_drafting(call.batch_id, origin)
            drafted = await self._reader.drafted_by(call.batch_id)
        refuse_locked(selection, content, "promote")
        meant = [id for id in selection.ids if drafted is None or id in drafted]
        pending = [p for p in dict.fromkeys(map(page_of, meant)) if has_pending(content, p)]
        concerned = _concerned(meant, selection, content, pending)
        whole = {*pending, *(page_of(id) for id in meant if _is_further(id, content))}
        content = await self._reader.look(content, concerned, whole=whole)

        def look() -> tuple[Plan, int, Sequence[Note]]:  # in a thread: texts are parsed
            plan = plan_promote(call, selection, content, drafted=drafted)
            found, remark = with_findings(plan, content)
            files = on_files(plan, dry_run=call.dry_run)
            return plan, found, [*remark, *files, *on_marks(plan, content)]

        plan, found, remarks = await anyio.to_thread.run_sync(look)
        submission = None
        if not call.dry_run:
            faster = await self._submitter.check_digest(
                PROMOTE, plan, call, selection.ids, content, origin
            )
            if faster is not None:
                return faster
            conditions = Conditions(
                terms={"site": content.site.hash},
                key=key_of(PROMOTE.kind, call.batch_id, call.force, call.digest, selection.ids),
                asked=key_of(PROMOTE.kind, call.force),
                effects=(*look_effects(content, plan.pages), *plan.put_back_effects),
                content=content,
            )
            submission = await self._submitter.submit(PROMOTE, plan, call, origin, conditions)
        return answer(
            PROMOTE,
            plan,
            submission,
            notes=notes,
            remarks=[*on_takeovers(content, plan.pages), *remarks, *on_digest(plan, call)],
            digest=await self._submitter.digest(PROMOTE, plan, call),
            with_findings=found,
            dry_run=call.dry_run,
        )

    async def _still_drafting(self, batch_id: str, origin: Origin) -> Sequence[str]:
        """Return a note if the batch is still drafting: only its drafts so far are promoted."""
        batch = await self._batches.get(batch_id, owner=origin.owner)
        if batch.kind != GENERATE.kind:
            raise InvalidPayload(
                "batchId", [f"{batch_id} is a {batch.kind} batch; promote takes one that drafted"]
            )
        if batch.ended:
            return ()
        return [f"{batch_id} is not over: {batch.completed} of {batch.total} are drafted so far."]


def _concerned(
    meant: Sequence[str], selection: Selection, content: SiteContent, pending: Collection[str]
) -> Sequence[str]:
    """Return the sections of whose files something is to be known."""
    if selection.named or selection.pages:
        return meant
    return [id for id in meant if id in content.drafts or page_of(id) in pending]


def _is_further(id: str, content: SiteContent) -> bool:
    """Whether a draft is a further section of a file that is there: marks may come with it."""
    page, name = split_id(id)
    known = content.files.get(page)
    return (
        id in content.drafts
        and known is not None
        and known.hash is not None
        and name not in known.in_file
    )
