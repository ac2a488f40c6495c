"""Look at page files for the first time."""

from __future__ import annotations

from mcp_server import ContentLook, Done, JobContext, Outcome, handler


@handler("content-look", ContentLook, timeout_s=600)
async def content_look(payload: ContentLook, context: JobContext) -> Outcome:
    """Store what the files say, and the files as they are. Safe to run twice, and at any time.

    A file that cannot be worked on is passed by: whoever wants to work on it is told. What may just
    be being saved is waited for once.
    """
    await context.begin_waits(payload.pages)
    blocked = 0
    for number, page in enumerate(payload.pages, start=1):
        look = await context.look(page)
        blocked += look is not None and look.found.blocked is not None
        await context.progress(number, len(payload.pages), f"looking at {page}")
    return Done({"pages": len(payload.pages), "blocked": blocked})
