"""`review`: show the state and the texts of each section, now or in the past, and what would be."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import anyio.to_thread
from pydantic import BeforeValidator, Field, StringConstraints

from mcp_server.content.actions.calls import ChangeCall, Selector
from mcp_server.content.actions.reviewed import Reviewed, SectionState, Window
from mcp_server.errors import InvalidPayload
from mcp_server.interfaces.mcp.answers.brief import brief_reply
from mcp_server.interfaces.mcp.answers.fit import ROWS
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.planned import plan_reply
from mcp_server.interfaces.mcp.answers.replies import ReviewReply
from mcp_server.interfaces.mcp.answers.review import review_reply, room
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import (
    CURSOR_MAX,
    LIMIT_MAX,
    AsOf,
    Id,
    Selecting,
    as_list,
    moment,
)
from mcp_server.interfaces.mcp.tools.schemas import UNLISTED
from mcp_server.interfaces.mcp.tools.tool import Tool, hints

Plan = Literal["promote", "rollback", "unpublish"]
"""The verbs whose dry run can be looked at: those in `ContentService.plans`."""
WORDS_LENGTH_MAX = 200
"""Characters of a text that is looked for."""


class ReviewArguments(Selecting):
    """Which sections to look at, and how."""

    state: Annotated[list[SectionState] | None, BeforeValidator(as_list)] = Field(
        None, max_length=20, description="Only in one of these states."
    )
    diff: bool | None = Field(None, description="true: what changes from live text to draft.")
    contains: Annotated[str, StringConstraints(max_length=WORDS_LENGTH_MAX)] | None = Field(
        None, description="Only with these words."
    )
    history: bool | None = Field(
        None, description="true: all their texts and files: who, when, why; hashes."
    )
    as_of: AsOf | None = Field(None, description="What was live on that day (2026-11-24) or time.")
    findings: bool | None = Field(
        None,
        description="true: only where a check finds something: dead links, contradictions, TODO.",
    )
    plan: Plan | None = Field(None, description="What that would do, with the digest.")
    batch_id: Id | None = Field(
        None, description="With plan: its batchId.", json_schema_extra=UNLISTED
    )
    revision: Id | None = Field(
        None,
        description="With history: the hash of a text or file there, which is shown whole. With "
        "plan rollback: its revision.",
        json_schema_extra=UNLISTED,
    )
    force: bool | None = Field(
        None, description="With plan: its force.", json_schema_extra=UNLISTED
    )
    brief: bool | None = Field(None, description="true: what to write one section from, with edit.")
    limit: int | None = Field(None, ge=1, le=LIMIT_MAX, description="Rows at most; default 10.")
    cursor: int | None = Field(
        None, ge=0, le=CURSOR_MAX, description="nextCursor of the answer before."
    )

    @property
    def whole(self) -> bool:
        """Whether whole texts are shown: of what was named, unless many revisions are listed."""
        if self.history:
            return bool(self.revision)
        if self.contains or self.findings:
            return False
        return bool(self.diff) or self.selector != Selector()

    @property
    def only_page(self) -> str | None:
        """The page, if nothing else is named."""
        asked = self.selector
        others = asked.section or asked.sections or asked.pages
        return None if others else asked.page


class Review(Tool[ReviewArguments]):
    """Show the sections, now or in the past, or what a call would change."""

    name = "review"
    title = "Review drafts"
    description = (
        "Sections of the web site as they stand: missing, draft, changed, live, withdrawn, "
        "outdated, orphaned. Named pages or sections: whole texts, in reading order. Also their "
        "history, what was live once, and what a call would do. Changes "
        "nothing; status shows what still runs."
    )
    arguments = ReviewArguments
    reply = ReviewReply
    annotations = hints(read_only=True, idempotent=True)

    async def run(self, arguments: ReviewArguments, ctx: OpenCall) -> ReviewReply:  # noqa: ARG002 - all tools are called alike
        _check_together(arguments)
        if arguments.brief:
            services = await self.caller.services()
            brief = await services.content.brief(arguments.selector)
            return brief_reply(brief, Marks(self.caller.clock))
        if arguments.plan is not None:
            return await self._planned(arguments, arguments.plan)
        found = await self._looked(arguments)
        reply = partial(
            review_reply,
            found,
            Marks(self.caller.clock),
            start=arguments.cursor or 0,
            whole=arguments.whole,
            page=arguments.only_page,
        )
        return await anyio.to_thread.run_sync(reply)  # in a thread: texts may be long

    async def _looked(self, asked: ReviewArguments) -> Reviewed:
        services = await self.caller.services()
        content = services.content
        selector, origin, states = asked.selector, self.caller.origin, tuple(asked.state or ())
        window = Window(room(whole=asked.whole), asked.limit or ROWS, asked.cursor or 0)
        if asked.history and asked.revision:
            return await content.kept(selector, origin, window, digits=asked.revision)
        if asked.history:
            return await content.history(selector, origin, window)
        if asked.contains:
            return await content.containing(
                selector, origin, window, contains=asked.contains, states=states
            )
        if asked.findings:
            return await content.with_findings(selector, origin, window)
        if (at := moment(asked.as_of, services.clock)) is not None:
            return await content.then(selector, origin, window, at=at)
        return await content.review(selector, origin, window, states=states, diff=bool(asked.diff))

    async def _planned(self, asked: ReviewArguments, verb: Plan) -> ReviewReply:
        """Return what a call would do: its dry run, a part of its rows at a time."""
        services = await self.caller.services()
        call = ChangeCall(
            selector=asked.selector,
            batch_id=asked.batch_id or None,
            revision=asked.revision or None,
            as_of=moment(asked.as_of, services.clock),
            force=bool(asked.force),
            dry_run=True,
        )
        submitted = await services.content.plans[verb](call, self.caller.origin)
        given = asked.model_dump(
            by_alias=True, exclude_none=True, exclude={"plan", "limit", "cursor"}
        )
        reply = partial(
            plan_reply,
            submitted,
            Marks(self.caller.clock),
            call=given,
            start=asked.cursor or 0,
            limit=asked.limit or ROWS,
        )
        return await anyio.to_thread.run_sync(reply)  # in a thread: a plan may have 10,000 rows


def _check_together(asked: ReviewArguments) -> None:
    """Refuse arguments that do not go together.

    Raises:
        InvalidPayload: names them, and what to do.
    """
    views = {
        "history": asked.history,
        "contains": asked.contains,
        "findings": asked.findings,
        "plan": asked.plan,
        "brief": asked.brief,
        "asOf": asked.as_of and asked.plan != "rollback",
    }
    given = [name for name, value in views.items() if value]
    only_plan = {"batchId": asked.batch_id, "force": asked.force}
    if len(given) > 1:
        raise InvalidPayload("review", [f"{' and '.join(given)} are looked at in a call each"])
    if not asked.plan and (stray := [name for name, value in only_plan.items() if value]):
        raise InvalidPayload(
            "review", [f"{stray[0]} goes with plan; status {{batchId}} shows a batch"]
        )
    if asked.revision and not (asked.plan or asked.history):
        raise InvalidPayload("review", ["revision goes with plan or history"])
    of_rollback = {"batchId": asked.batch_id and asked.plan == "unpublish"} | {
        "revision": asked.plan and asked.revision and asked.plan != "rollback"
    }
    if stray := [name for name, value in of_rollback.items() if value]:
        raise InvalidPayload("review", [f"{asked.plan} takes no {stray[0]}"])
    if asked.diff and given:
        raise InvalidPayload("review", [f"diff does not go with {given[0]}: leave one of them out"])
