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
"""Seconds until the job tries again where another process holds the page. Waiting in the handler
would keep one of the worker's lanes busy."""


@handler("content-export", ContentExport, timeout_s=60)
async def content_export(payload: ContentExport, context: JobContext) -> Outcome:
    """Write or remove the page's file, unless somebody edited it.

    Safe to run twice: the new file's hash is stored before the rename (R22), so after a crash
    between the two the file is recognised as ours, old or new. The page is locked from reading
    what is live until the rename: otherwise a worker that was frozen in between would wake up long
    after its lease, and overwrite what others have exported meanwhile.
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
    # The hash before the file: a file that is not recorded would count as somebody's edit.
    await context.checkpoint([RecordExport(page, written, replaces=state.hash)])
    # `replaces` is checked once more, right before the rename: somebody may just have saved.
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
