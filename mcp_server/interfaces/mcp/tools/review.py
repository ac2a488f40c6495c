"""`review`: show the state and the texts of each section."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
from pydantic import BeforeValidator, Field

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.reviewed import SectionState
from mcp_server.interfaces.mcp.answers.brief import brief_reply
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import ROWS, ReviewReply
from mcp_server.interfaces.mcp.answers.review import review_reply, room
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import CURSOR_MAX, LIMIT_MAX, Selecting, as_list
from mcp_server.interfaces.mcp.tools.tool import Tool, hints


class ReviewArguments(Selecting):
    """Which sections to look at."""

    state: Annotated[list[SectionState] | None, BeforeValidator(as_list)] = Field(
        None, max_length=20, description="Only sections in one of these states."
    )
    diff: bool | None = Field(
        None, description="true: the difference between live text and draft, instead of the texts."
    )
    brief: bool | None = Field(
        None, description="true: what one section is to be written from, to write it by edit."
    )
    limit: int | None = Field(None, ge=1, le=LIMIT_MAX, description="Rows at most; default 10.")
    cursor: int | None = Field(
        None, ge=0, le=CURSOR_MAX, description="nextCursor of the answer before."
    )


class Review(Tool[ReviewArguments]):
    """Show the state and the texts of each section."""

    name = "review"
    title = "Review drafts"
    description = (
        "Sections of the web site as they stand: missing, draft, changed, live, "
        "withdrawn, outdated, orphaned, with their texts; whole ones where sections are "
        "named, and with diff what a promotion would change. findings: what in a text is no "
        "plain Markdown, such as a script. Changes nothing; status shows what still runs."
    )
    arguments = ReviewArguments
    reply = ReviewReply
    annotations = hints(read_only=True, idempotent=True)

    async def run(self, arguments: ReviewArguments, ctx: OpenCall) -> ReviewReply:  # noqa: ARG002 - all tools are called alike
        services = await self.caller.services()
        if arguments.brief:
            brief = await services.content.brief(arguments.selector)
            return brief_reply(brief, Marks(self.caller.clock))
        start = arguments.cursor or 0
        whole = bool(arguments.diff) or arguments.selector != Selector()
        found = await services.content.review(
            arguments.selector,
            self.caller.origin,
            states=tuple(arguments.state or ()),
            diff=bool(arguments.diff),
            room=room(whole=whole),
            limit=arguments.limit or ROWS,
            cursor=start,
        )
        asked = arguments.selector
        only_page = asked.page if not (asked.section or asked.sections or asked.pages) else None
        reply = partial(
            review_reply,
            found,
            Marks(self.caller.clock),
            start=start,
            whole=whole,
            page=only_page or None,
        )
        return await anyio.to_thread.run_sync(reply)  # in a thread: texts may be long
