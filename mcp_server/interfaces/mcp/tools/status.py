"""`status`: say what runs, what ran, and whether a worker lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mcp_server.content.actions.job_keys import concerned
from mcp_server.content.actions.moments import begin_of
from mcp_server.errors import InvalidPayload
from mcp_server.interfaces.mcp.answers.listing import newest_active
from mcp_server.interfaces.mcp.answers.replies import StatusReply
from mcp_server.interfaces.mcp.answers.status import RowsAsked, Status
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import (
    CURSOR_MAX,
    LIMIT_MAX,
    WAIT_S_MAX,
    Id,
    Key,
    PageId,
    SectionId,
    Streaming,
    as_list,
    parse,
)
from mcp_server.interfaces.mcp.tools.tool import Tool, hints
from mcp_server.interfaces.mcp.wait import Reporter, report_batch, report_job
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Batch, BatchState, Job

WAIT_S = 20.0
"""How long `status` of one unfinished batch waits if the call does not say but wants progress: each
call without a wait would cost the chat another turn. Who wants none may give up after 5 s."""


IDS_MAX = 50
"""Ids in one call: as many as have room in the largest answer."""


class StatusArguments(Streaming):
    """Which operations to look at."""

    batch_id: Id | None = Field(None, description="One batch, with its sections.")
    job_id: Id | None = Field(None, description="One job, with its payload as JSON.")
    ids: Annotated[list[Id] | None, BeforeValidator(as_list)] = Field(
        None,
        max_length=IDS_MAX,
        description="Several batches and jobs at once, with the counts of all.",
    )
    section: SectionId | None = Field(None, description="What concerns one section, newest first.")
    since: Key | None = Field(
        None,
        description="2026-11-23, a time, or 7d: what was done since, and by whom.",
    )
    page: PageId | None = Field(None, description="The same for a page.")
    wait_seconds: float | None = Field(
        None,
        ge=0,
        le=WAIT_S_MAX,
        allow_inf_nan=False,
        description="Wait up to 45 seconds for the end, streaming progress, then answer. Default: "
        "20 with the batchId of an unfinished batch and a progress token, else 0.",
    )
    active_only: bool | None = Field(None, description="true: leave out what has ended.")
    detail: Literal["brief", "full"] | None = Field(
        None,
        description="full: more rows, whole reasons, and jobs by state and kind.",
    )
    limit: int | None = Field(None, ge=1, le=LIMIT_MAX, description="Rows at most; default 10.")
    cursor: int | None = Field(
        None, ge=0, le=CURSOR_MAX, description="nextCursor of the answer before."
    )


class StatusTool(Tool[StatusArguments]):
    """Say what runs, what ran, and whether a worker lives."""

    name = "status"
    title = "Progress and results"
    description = (
        "Background operations: what runs and what ran, newest first, and whether "
        "a worker lives. With the batchId of an unfinished batch it can wait (waitSeconds up to "
        "45) and stream progress; then each section's state, what failed "
        "and why, and the files written. A batchId stays valid for good."
    )
    arguments = StatusArguments
    reply = StatusReply
    annotations = hints(read_only=True, idempotent=True)

    async def run(self, arguments: StatusArguments, ctx: OpenCall) -> StatusReply:
        services, caller = await self.caller.services(), self.caller
        status = Status(services=services, owner=caller.owner, clock=services.clock)
        rows = RowsAsked(arguments.limit, arguments.cursor, arguments.detail == "full")
        named = arguments.section or arguments.page
        listed = named or arguments.since
        if sum(map(bool, (arguments.job_id, arguments.batch_id, arguments.ids, listed))) > 1:
            only = "give only one of batchId, jobId, ids, and section or page or since"
            raise InvalidPayload("status", [only])
        if arguments.ids:
            if arguments.wait_s:
                raise InvalidPayload("status", ["waitSeconds waits for one batchId or jobId"])
            return await status.several(arguments.ids, rows)
        if arguments.job_id:
            await self._wait_for_job(services, arguments.job_id, arguments.wait_s, ctx)
            return await status.job(arguments.job_id, rows)
        if arguments.batch_id:
            batch = await self._waited_for(services, arguments.batch_id, arguments, ctx)
            return await status.batch(batch, rows)
        if listed:
            return await _concerning(status, arguments, rows)
        if arguments.wait_s:
            await self._wait_for_newest(services, arguments.wait_s, ctx)
        return await status.overview(rows, active_only=bool(arguments.active_only))

    async def _waited_for(
        self, services: Services, batch_id: str, asked: StatusArguments, ctx: OpenCall
    ) -> Batch:
        """Return a batch; it is read again only if there was something to wait for."""
        batch = await services.batches.get(batch_id, owner=self.caller.owner)
        waits = not batch.ended and batch.state is not BatchState.PAUSED
        wait_s = asked.asked_wait_s
        if wait_s is None:
            wait_s = WAIT_S if ctx.wants_progress else 0.0
        if waits and wait_s:
            await report_batch(services.hub, batch_id, seconds=wait_s, reporter=Reporter(ctx))
            batch = await services.batches.get(batch_id, owner=self.caller.owner)
        return batch

    async def _wait_for_job(
        self, services: Services, job_id: str, seconds: float, ctx: OpenCall
    ) -> None:
        job = await services.batches.job(job_id, owner=self.caller.owner)
        if seconds:
            await report_job(services.hub, job, seconds=seconds, reporter=Reporter(ctx))

    async def _wait_for_newest(self, services: Services, seconds: float, ctx: OpenCall) -> None:
        match await newest_active(services.batches, owner=self.caller.owner):
            case Batch() as batch:
                await report_batch(services.hub, batch.id, seconds=seconds, reporter=Reporter(ctx))
            case Job() as job:
                await self._wait_for_job(services, job.id, seconds, ctx)
            case None:
                pass


async def read_status(
    services: Services,
    operation_id: str | None,
    raw: Mapping[str, Any],
    *,
    owner: str | None,
) -> Mapping[str, Any]:
    """Return what `status` answers without waiting; of one batch or job in full detail.

    `raw` are arguments of the tool, which narrow or page a list. `owner` is `None` for everybody's.

    Raises:
        NotFound: there is no such batch or job.
        InvalidPayload: the arguments do not fit.
    """
    asked = parse("status", StatusArguments, raw)
    full = asked.detail == "full" or operation_id is not None
    rows = RowsAsked(asked.limit, asked.cursor, full=full)
    status = Status(services=services, owner=owner, clock=services.clock)
    if operation_id is None:
        if asked.section or asked.page or asked.since:
            return (await _concerning(status, asked, rows)).facts()
        return (await status.overview(rows, active_only=bool(asked.active_only))).facts()
    if await services.batches.is_own_job(operation_id, owner=owner):
        return (await status.job(operation_id, rows)).facts()
    batch = await services.batches.get(operation_id, owner=owner)
    return (await status.batch(batch, rows)).facts()


async def _concerning(status: Status, asked: StatusArguments, rows: RowsAsked) -> StatusReply:
    named = asked.section or asked.page
    about = concerned(asked.page or None, asked.section or None) if named else None
    since = begin_of(asked.since, now=status.clock.now()) if asked.since else None
    return await status.concerning(about, rows, since=since)
