"""Make one page's file what is live."""

from __future__ import annotations

from functools import partial

import anyio.to_thread

from mcp_server import (
    PRODUCTION,
    ContentExport,
    Done,
    ExportFailed,
    Fail,
    FileState,
    JobContext,
    Outcome,
    PageHeld,
    RecordExport,
    Retry,
    compose_page,
    file_hash,
    handler,
)

HELD_S = 15.0
"""When to come back to a page that another process holds: a lane is not to be waited in."""


@handler("content-export", ContentExport, timeout_s=60)
async def content_export(payload: ContentExport, context: JobContext) -> Outcome:
    """Write or remove the page's file, unless somebody edited it.

    Safe to run twice: the file is recognised as ours by its hash, which is stored before the
    rename (R22), so a crash between the two leaves a file that is known either way. The page is
    locked from the look at what is live to the rename: a worker that wakes up between the record
    and the rename, long after its lease, has kept others from writing what it would overwrite.
    """
    page, files = payload.page, context.files
    try:
        async with files.locked(page):
            return await _export(page, context)
    except PageHeld as held:
        return Retry(str(held), after_s=HELD_S)
    except ExportFailed as failed:
        return Retry(str(failed))


async def _export(page: str, context: JobContext) -> Outcome:
    files = context.files
    await context.progress(1, 3, f"putting {page} together")
    live = await context.entities.get_all(PRODUCTION, page=page)
    text = compose_page(await context.site(), page, {id: e.current for id, e in live.items()})
    ours = (await context.entities.exported(page)).get(page, ())
    await context.progress(2, 3, f"looking at {files.shown(page)}")
    state = await anyio.to_thread.run_sync(files.inspect, page, ours)
    if not state.writable:
        return Fail("conflict", f"{files.shown(page)} {_why_kept(state.state)}")
    written = file_hash(text.encode()) if text else None
    doing = "removing" if text is None else "writing"
    await context.progress(3, 3, f"{doing} {files.shown(page)}")
    await context.checkpoint([RecordExport(page, written, replaces=state.hash)])
    await anyio.to_thread.run_sync(partial(files.write, page, text, replaces=state.hash))
    return Done({"file": files.shown(page), "removed": text is None})


def _why_kept(state: FileState) -> str:
    """Say why a file was not overwritten, and what helps."""
    if state is FileState.EDITED:
        return (
            "was edited outside and was not overwritten; promote the page again with force to "
            "keep that text as a revision first, or move the file away"
        )
    return "was not written by Pressroom and is left as it is; move it away, then retry"
