"""The tools: each turns arguments into one call of a service, and its outcome into an answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mcp.server.mcpserver import Context

from mcp_server.clock import Clock
from mcp_server.content.actions.calls import ChangeCall, GenerateCall, Submitted
from mcp_server.content.actions.concerning import concerned
from mcp_server.content.actions.submit import ACTIONS
from mcp_server.errors import InvalidPayload
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.batch import Standing, standing
from mcp_server.interfaces.mcp.answers.listing import newest_active
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.queued import Queued, resumed_reply, retried_reply
from mcp_server.interfaces.mcp.answers.replies import (
    ROWS,
    CancelReply,
    QueueReply,
    ReviewReply,
    StatusReply,
)
from mcp_server.interfaces.mcp.answers.review import review_reply
from mcp_server.interfaces.mcp.answers.status import Page, Status
from mcp_server.interfaces.mcp.tools.arguments import (
    CancelArguments,
    GenerateAllArguments,
    GenerateArguments,
    PromoteArguments,
    RetryArguments,
    ReviewArguments,
    RollbackArguments,
    StatusArguments,
    Waiting,
)
from mcp_server.interfaces.mcp.wait import Reporter, report_batch, report_job
from mcp_server.interfaces.services import Services, ServicesProvider
from mcp_server.jobs.job import Batch, BatchState, Job, Origin
from mcp_server.jobs.records import Cancelled

Call = Context[Any, Any]
"""The open call of a tool: it carries progress until the answer."""

STATUS_WAIT_S = 20.0
"""How long `status` of one unfinished batch waits unasked: each look costs the chat a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The tools of one server; `origin` is who calls, through which interface."""

    provider: ServicesProvider
    origin: Origin
    clock: Clock

    async def generate(self, arguments: GenerateArguments, ctx: Call) -> QueueReply:
        """Queue the drafting of the chosen sections."""
        services = await self.provider.services()
        call = GenerateCall(
            selector=arguments.selector,
            mode=arguments.mode,
            instructions=arguments.instructions or "",
            dry_run=bool(arguments.dry_run),
            request_key=arguments.request_key or None,
        )
        submitted = await services.content.generate(call, self.origin)
        return await self._answer(services, submitted, arguments, ctx)

    async def generate_all(self, arguments: GenerateAllArguments, ctx: Call) -> QueueReply:
        """Queue the drafting of the whole site."""
        services = await self.provider.services()
        call = GenerateCall(
            mode=arguments.mode,
            instructions=arguments.instructions or "",
            dry_run=bool(arguments.dry_run),
            request_key=arguments.request_key or None,
            tool="generate-all",
        )
        submitted = await services.content.generate(call, self.origin)
        return await self._answer(services, submitted, arguments, ctx)

    async def promote(self, arguments: PromoteArguments, ctx: Call) -> QueueReply:
        """Queue the promotion of drafts to production."""
        services = await self.provider.services()
        submitted = await services.content.promote(_change(arguments), self.origin)
        return await self._answer(services, submitted, arguments, ctx)

    async def rollback(self, arguments: RollbackArguments, ctx: Call) -> QueueReply:
        """Queue the taking back of changes to production."""
        services = await self.provider.services()
        submitted = await services.content.rollback(_change(arguments), self.origin)
        return await self._answer(services, submitted, arguments, ctx)

    async def retry(self, arguments: RetryArguments, ctx: Call) -> QueueReply:
        """Take up again what failed, was cancelled, is paused, or waits for a stopped worker."""
        services = await self.provider.services()
        batch = await services.batches.get(arguments.batch_id, owner=self.origin.owner)
        waits = not batch.ended and batch.state is not BatchState.PAUSED
        if waits and services.worker_health.resume():
            seen = await self._followed(services, batch.id, arguments.wait_s, Reporter(ctx))
            return resumed_reply(batch, seen)
        if batch.kind not in ACTIONS:  # a plugin's: there is no site to plan from
            return await self._retry_plugin(services, batch, arguments, ctx)
        submitted = await services.content.retry(
            arguments.batch_id, self.origin, request_key=arguments.request_key or None
        )
        return await self._answer(services, submitted, arguments, ctx, again=True)

    async def status(self, arguments: StatusArguments, ctx: Call) -> StatusReply:
        """Say what runs, what ran, and whether a worker lives."""
        services = await self.provider.services()
        status = Status(services=services, owner=self.origin.owner, clock=self.clock)
        page = Page(arguments.limit, arguments.cursor, arguments.detail == "full")
        named = arguments.section or arguments.page
        if sum(map(bool, (arguments.job_id, arguments.batch_id, named))) > 1:
            raise InvalidPayload("status", ["give only one of batchId, jobId and section or page"])
        if arguments.job_id:
            await self._follow_job(services, arguments.job_id, arguments.wait_s, ctx)
            return await status.job(arguments.job_id, page)
        if arguments.batch_id:
            return await self._batch_status(status, arguments.batch_id, arguments, page, ctx)
        if named:
            id = concerned(arguments.page or None, arguments.section or None)
            return await status.concerning(id, page)
        if arguments.wait_s:
            await self._wait_for_newest(services, arguments.wait_s, ctx)
        return await status.overview(page, active_only=bool(arguments.active_only))

    async def cancel(self, arguments: CancelArguments, ctx: Call) -> CancelReply:  # noqa: ARG002 - all tools are called alike
        """Stop what has not finished, and say what was already done."""
        services = await self.provider.services()
        found = await self._cancelled(services, arguments)
        batch_id = found.batch.id if found.batch is not None else arguments.batch_id or None
        return CancelReply(
            message=sentences.cancelled(found, alone=bool(arguments.job_id)),
            status=found.batch.state.value if found.batch is not None else None,
            batch_id=batch_id,
            stopped=found.stopped,
            never_started=found.dropped,
            already_done=found.done,
            next=_after_cancelling(found, batch_id),
        )

    async def review(self, arguments: ReviewArguments, ctx: Call) -> ReviewReply:  # noqa: ARG002 - all tools are called alike
        """Show what stands in each section."""
        services = await self.provider.services()
        start = arguments.cursor or 0
        found = await services.content.review(
            arguments.selector,
            self.origin,
            states=tuple(arguments.state or ()),
            diff=bool(arguments.diff),
            limit=arguments.limit or ROWS,
            cursor=start,
        )
        whole = bool(arguments.diff) or not arguments.is_bulk
        asked = arguments.selector
        only_page = asked.page if not (asked.section or asked.sections or asked.pages) else None
        return review_reply(
            found, Marks(self.clock), start=start, whole=whole, page=only_page or None
        )

    async def _answer(
        self,
        services: Services,
        submitted: Submitted,
        waiting: Waiting,
        ctx: Call,
        *,
        again: bool = False,
    ) -> QueueReply:
        """Report what was queued, wait if that was asked for, and answer."""
        outlives = self.origin.interface != "mcp-stdio" or services.worker_mode == "detached"
        marks = Marks(self.clock)
        queued = Queued(submitted=submitted, marks=marks, again=again, outlives=outlives)
        if submitted.batch_id is None:
            return queued.reply()
        reporter = Reporter(ctx)
        if not submitted.duplicate:
            await reporter.queued(submitted.count)
        if not waiting.wait_s:
            return queued.reply()
        seen = await self._followed(services, submitted.batch_id, waiting.wait_s, reporter)
        return replace(queued, seen=seen).reply()

    async def _batch_status(
        self, status: Status, batch_id: str, asked: StatusArguments, page: Page, ctx: Call
    ) -> StatusReply:
        batch = await status.services.batches.get(batch_id, owner=self.origin.owner)
        waits = not batch.ended and batch.state is not BatchState.PAUSED
        wait_s = STATUS_WAIT_S if asked.asked_wait_s is None else asked.asked_wait_s
        if waits and wait_s:
            await self._wait(status.services, batch_id, wait_s, Reporter(ctx))
            batch = await status.services.batches.get(batch_id, owner=self.origin.owner)
        return await status.batch(batch, page)

    async def _retry_plugin(
        self, services: Services, batch: Batch, arguments: RetryArguments, ctx: Call
    ) -> QueueReply:
        key = arguments.request_key or None
        owner = self.origin.owner
        submission = await services.batches.retry(batch.id, owner=owner, request_key=key)
        wait_s = arguments.wait_s if submission.batch is not None else 0.0
        seen = await self._followed(services, batch.id, wait_s, Reporter(ctx))
        return retried_reply(submission.batch, seen)

    async def _followed(
        self, services: Services, batch_id: str, wait_s: float, reporter: Reporter
    ) -> Standing:
        """Wait for a batch, if that was asked for; return where it stands."""
        if wait_s:
            await self._wait(services, batch_id, wait_s, reporter)
        batch = await services.batches.get(batch_id, owner=self.origin.owner)
        health = await services.worker_health()
        return await standing(services, batch, health=health, now=self.clock.now())

    async def _follow_job(self, services: Services, job_id: str, seconds: float, ctx: Call) -> None:
        job = await services.batches.job(job_id, owner=self.origin.owner)
        if seconds:
            await report_job(services.hub, job, seconds=seconds, reporter=Reporter(ctx))

    async def _wait_for_newest(self, services: Services, seconds: float, ctx: Call) -> None:
        match await newest_active(services.batches, owner=self.origin.owner):
            case Batch() as batch:
                await self._wait(services, batch.id, seconds, Reporter(ctx))
            case Job() as job:
                await self._follow_job(services, job.id, seconds, ctx)
            case None:
                pass

    async def _wait(
        self, services: Services, batch_id: str, seconds: float, reporter: Reporter
    ) -> None:
        await report_batch(services.hub, batch_id, seconds=seconds, reporter=reporter)

    async def _cancelled(self, services: Services, arguments: CancelArguments) -> Cancelled:
        owner = self.origin.owner
        match arguments.batch_id or None, arguments.job_id or None:
            case str(batch_id), None:
                return await services.batches.cancel(batch_id, owner=owner)
            case None, str(job_id):
                return await services.batches.cancel_job(job_id, owner=owner)
            case _:
                raise InvalidPayload("cancel", ["give either batchId or jobId"])


def _after_cancelling(found: Cancelled, batch_id: str | None) -> str | None:
    """Return the call that comes next: a batch that goes on without one job cannot be retried."""
    if batch_id is None or found.stopped + found.dropped == 0:
        return None
    goes_on = found.batch is not None and sentences.goes_on(found.batch)
    return sentences.call("status" if goes_on else "retry", {"batchId": batch_id})


def _change(arguments: PromoteArguments | RollbackArguments) -> ChangeCall:
    return ChangeCall(
        selector=arguments.selector,
        batch_id=arguments.batch_id or None,
        digest=arguments.digest or None,
        force=bool(arguments.force),
        dry_run=bool(arguments.dry_run),
        request_key=arguments.request_key or None,
    )
