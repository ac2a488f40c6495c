"""Finds what a rollback takes back: a batch, the last change to each section, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mcp_server.content.actions import history
from mcp_server.content.actions.answer import answer_again
from mcp_server.content.actions.calls import ChangeCall, NextCall, Submitted
from mcp_server.content.actions.restoration import same, text_of
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.entities.entity import PREVIEW, Revision, page_of, split_id
from mcp_server.entities.store import EntityStore
from mcp_server.errors import InvalidPayload, NotFound
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, Origin
from mcp_server.progress.verbs import GENERATE, PROMOTE, ROLLBACK, UNPUBLISH, verb_of

STANDING = (PROMOTE.kind, UNPUBLISH.kind)
"""The kinds of batches that a rollback takes back without being told which (R11, P12)."""
ACTIVE_MAX = 50
"""Unfinished batches among which an unpublishing is looked for, newest first."""


class RollbackTarget:
    """Finds the batch that a rollback takes back (R10, R11, R14, R16, R27)."""

    def __init__(self, entities: EntityStore, batches: BatchService) -> None:
        self._entities, self._batches = entities, batches

    async def find(
        self, call: ChangeCall, selection: Selection, content: SiteContent, origin: Origin
    ) -> Batch | Submitted | None:
        """Return the batch to take back, or `None` where sections or a moment say what.

        If there is nothing to take back, or the last change was itself a rollback (R11), return the
        answer instead. While that rollback runs, the call counts as a repeat of it.
        """
        if call.batch_id:
            batch = await self._batches.get(call.batch_id, owner=origin.owner)
            if batch.kind == GENERATE.kind:
                await self._refuse_generate_batch(batch, content, origin)
            return batch
        if selection.named or call.as_of is not None:
            return None
        if running := await self._unpublishing(selection.pages, origin):
            return running
        return await self._last_change(call, selection, content, origin)

    async def _last_change(
        self, call: ChangeCall, selection: Selection, content: SiteContent, origin: Origin
    ) -> Batch | Submitted:
        """Return the batch that a rollback means which names no batch (R11, P12)."""
        last, latest = await self._latest(content, selection.pages, origin)
        if last is not None and last.kind == ROLLBACK.kind:
            return _choose(last, latest, call) if last.ended else answer_again(last)
        if latest is None:
            return _nothing("Nothing to take back: no promotion of yours stands.", call)
        if selection.pages or latest is last:
            return latest
        return changed_since(latest, call)

    async def pages(self, batch_id: str) -> Collection[str]:
        """Return the pages of which a batch has changed live texts or drafts."""
        of_drafts = await self._entities.pages_of_batch(batch_id, type=PREVIEW)
        return {*of_drafts, *await self._entities.pages_of_batch(batch_id)}

    async def _latest(
        self, content: SiteContent, pages: Sequence[str], origin: Origin
    ) -> tuple[Batch | None, Batch | None]:
        """Return the owner's last batch that changed live texts, and the last that stands (R10)."""
        last: Batch | None = None
        for batch_id in history.batches_newest_first(content.history, pages):
            batch = await self._own(batch_id, origin)
            if batch is None:
                continue
            last = last or batch
            if batch.kind in STANDING and stands(batch.id, content, pages):
                return last, batch
        return last, None

    async def _unpublishing(self, pages: Sequence[str], origin: Origin) -> Batch | None:
        """Return the owner's unfinished unpublishing, if his latest change under way is one.

        It need not have taken anything off yet: who changes his mind at once means this one, and
        not the promotion before it.
        """
        changes = (*STANDING, ROLLBACK.kind)
        active = await self._batches.list(owner=origin.owner, active=True, limit=ACTIVE_MAX)
        latest = next((batch for batch in active if batch.kind in changes), None)
        if latest is None or latest.kind != UNPUBLISH.kind:
            return None
        if not pages:
            return latest
        jobs = await self._batches.jobs(latest.id, owner=origin.owner)
        return latest if any(page_of(job.subject) in pages for job in jobs) else None

    async def _own(self, batch_id: str, origin: Origin) -> Batch | None:
        try:
            return await self._batches.get(batch_id, owner=origin.owner)
        except NotFound:
            return None  # another owner's

    async def _refuse_generate_batch(
        self, batch: Batch, content: SiteContent, origin: Origin
    ) -> None:
        drafted = await self._entities.revisions_of_batch(batch.id)
        found = history.carriers(content.history, drafted)
        carriers = [b for b in found if await self._batches.is_own(b, owner=origin.owner)]
        advice = (
            "Its text went live with: "
            + ", ".join(f'rollback {{"batchId": "{carrier}"}}' for carrier in carriers)
            if carriers
            else "None of its text went live, so there is nothing to take back."
        )
        raise InvalidPayload(
            "batchId", [f"{batch.id} wrote drafts and changed nothing that is live. {advice}"]
        )


def note_on_cancelling(batch: Batch, selection: Selection, *, dry_run: bool) -> str:
    """Return the note on taking back a batch that is still running, and so is cancelled (R13)."""
    others = ", its other sections included" if selection.named or selection.pages else ""
    if dry_run:
        return f"Batch {batch.id} is still running: it would be cancelled{others}."
    return f"Batch {batch.id} was still running: it is cancelled{others}."


def _choose(last: Batch, latest: Batch | None, call: ChangeCall) -> Submitted:
    """Return the calls to choose from after a rollback: undo it, or go back one batch more (R11).

    If the rollback failed in part, taking back what still stands comes first.
    """
    calls = [_call_rollback(last.id, "puts back what was taken back")]
    if latest is not None and last.failed:
        calls.insert(0, _call_rollback(latest.id, "takes back what still stands", call.force))
    elif latest is not None:
        calls.append(
            _call_rollback(latest.id, f"takes back one {verb_of(latest).noun} more", call.force)
        )
    return Submitted(
        verb=ROLLBACK,
        total_sections=0,
        planned=(),
        notes=(f"Nothing was changed: the last change was the rollback {last.id} itself.",),
        next_calls=tuple(calls),
    )


def changed_since(latest: Batch, call: ChangeCall) -> Submitted:
    """Return the answer where what was made live last was changed since, here or in its files.

    Which of it is meant is for the caller to say (P12).
    """
    return _nothing(
        f"Nothing was changed: what {latest.id} made live was changed again since.",
        call,
        _call_rollback(latest.id, "takes back what still stands of it", call.force),
    )


def _nothing(why: str, call: ChangeCall, *calls: NextCall) -> Submitted:
    return Submitted(
        verb=ROLLBACK,
        total_sections=0,
        planned=(),
        notes=(why,),
        next_calls=calls,
        dry_run=call.dry_run,
    )


def _call_rollback(batch_id: str, why: str, force: bool = False) -> NextCall:
    forced = {"force": True} if force else {}
    return NextCall(tool=ROLLBACK.kind, arguments={"batchId": batch_id, **forced}, why=why)


def stands(batch_id: str, content: SiteContent, pages: Sequence[str] = ()) -> bool:
    """Whether any section, on these pages if any, is still as this batch left it (R10).

    After a promotion that is a live text, after an unpublishing that there is none.
    """
    written = _written(batch_id, content, pages)
    return any(_is_live(content, id, last) for id, last in written.items())


def stands_whole(batch_id: str, content: SiteContent) -> bool:
    """Whether every section that the batch changed is as it left it (P12)."""
    written = _written(batch_id, content, ())
    return all(_is_live(content, id, last) for id, last in written.items())


def _is_live(content: SiteContent, id: str, written: Revision) -> bool:
    live = content.live.get(id)
    return same(live.current if live is not None else None, text_of(written))


def _written(batch_id: str, content: SiteContent, pages: Sequence[str]) -> dict[str, Revision]:
    """Return, by section, the last revision that the batch made of it."""
    return {
        id: revision
        for id, history in content.history.items()
        if not pages or split_id(id)[0] in pages
        for revision in history
        if revision.batch_id == batch_id
    }
