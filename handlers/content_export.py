"""Make one page's file what is live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import anyio.to_thread

from mcp_server import (
    Blocked,
    ContentExport,
    Done,
    ExportFailed,
    Fail,
    JobContext,
    KeepPage,
    Outcome,
    PageHeld,
    PageLook,
    Retry,
    SavePageFile,
    Writing,
    handler,
    plan_write,
    to_write,
)

HELD_S = 15.0
"""Seconds until the job tries again where another process holds the page. Waiting in the handler
would keep one of the worker's lanes busy."""


@handler("content-export", ContentExport, timeout_s=60)
async def content_export(payload: ContentExport, context: JobContext) -> Outcome:
    """Change the spans of a page's file to what is live, and no other byte (P7).

    Safe to run twice: what is about to be written is stored before the rename, so after a crash
    between the two the next look knows the file, old or new (P1). The page is locked from looking
    until the rename: otherwise a worker that was frozen in between would wake up long after its
    lease, and overwrite what others have written meanwhile.
    """
    try:
        async with context.locked_page(payload.page) as known:
            return await _export(payload.page, context) if known else Done({"file": None})
    except PageHeld as held:
        return Retry(str(held), after_s=HELD_S)
    except ExportFailed as failed:
        return Retry(str(failed))


async def _export(page: str, context: JobContext) -> Outcome:
    await context.progress(1, 3, "looking at the page's file")
    look = await context.look(page, alone=True)
    assert look is not None, "its page is locked"
    if look.effects or look.settles_in_s > 0:
        return Retry(f"{look.found.file} keeps changing", after_s=2)
    if look.found.blocked is not None:
        return Fail("conflict", look.found.blocked)
    outcome = await _written(look, context)
    if look.overtaken and isinstance(outcome, Done):
        sections, file = ", ".join(look.overtaken), look.found.file
        kept = f"the text that was to replace {sections} is in the history"
        return Fail("conflict", f"{file} was edited meanwhile, and counts: {kept}", outcome.effects)
    return outcome


async def _written(look: PageLook, context: JobContext) -> Outcome:
    looked, file = look.found.looked, look.found.file
    assert looked is not None, "the whole file was asked for"
    await context.progress(2, 3, f"putting {file} together")
    earlier = await context.earlier_bytes(looked)
    changes = to_write(looked, look.live)
    writes, since = await context.earlier_writes(looked) if changes else ((), None)
    plan = partial(
        plan_write,
        looked,
        changes,
        writes=writes,
        since=since,
        off=look.taken_off,
        unpublished=bool(look.live) and all(text is None for text in look.live.values()),
    )
    last = earlier[0] if looked.page is None and earlier else None
    planned = partial(_planned, plan, earlier if changes else (), last)
    writing = await anyio.to_thread.run_sync(planned)
    if writing is None:
        return Done({"file": file, "removed": False})
    if isinstance(writing, Blocked):
        return Fail("conflict", f"{file}: {writing.reason}")
    await context.progress(3, 3, f"{'removing' if writing.data is None else 'writing'} {file}")
    # What is about to be there, before it is there: else it would count as somebody's edit.
    intended = (
        KeepPage(look.layout.page, looked.data, "before"),
        KeepPage(look.layout.page, writing.data, "after", before=writing.replaces),
        SavePageFile(writing.known),
    )
    if conflict := await context.checkpoint(intended):
        return Retry(conflict, after_s=1)
    # The bytes are compared once more, right before the rename: somebody may just have saved.
    after = await anyio.to_thread.run_sync(context.files.write, look.layout, writing)
    if writing.refused:
        said = "; ".join(f"{section}: {why}" for section, why in writing.refused.items())
        return Fail("conflict", f"{file} was written without {said}", (SavePageFile(after),))
    return Done({"file": file, "removed": writing.data is None}, (SavePageFile(after),))


def _planned(
    plan: Callable[..., Writing | Blocked | None], earlier: Sequence[bytes], last: bytes | None
) -> Writing | Blocked | None:
    """Return the write that puts earlier bytes back exactly, or else the one that is needed."""
    for data in earlier:
        writing = plan(earlier=data)
        if isinstance(writing, Writing) and writing.restored:
            return writing
    return plan(earlier=last)
