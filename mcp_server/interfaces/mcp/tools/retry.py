"""`retry`: take up again what a batch has not done."""

from __future__ import annotations

from pydantic import Field

from mcp_server.interfaces.mcp.answers.queued import resumed_reply, retried_reply
from mcp_server.interfaces.mcp.answers.replies import QueueReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import Id, MaxCostUsd, Queueing
from mcp_server.interfaces.mcp.tools.schemas import UNLISTED
from mcp_server.interfaces.mcp.tools.tool import Tool, hints
from mcp_server.interfaces.mcp.wait import Reporter
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Batch, BatchState
from mcp_server.progress.verbs import VERBS


class RetryArguments(Queueing):
    """Which batch to take up again."""

    batch_id: Id = Field(description="The batch to take up again.")
    max_cost_usd: MaxCostUsd | None = Field(
        None,
        description="What the batch may cost from now on, over all its rounds.",
        json_schema_extra=UNLISTED,
    )


class Retry(Tool[RetryArguments]):
    """Take up again what failed, was cancelled, is paused, or waits for a stopped worker."""

    name = "retry"
    title = "Take up a batch again"
    description = (
        "A batch that failed in part, was cancelled, is paused or waits for a "
        "worker that was stopped: queues again only what is not done, under the same batchId. "
        "Conflicts are left out. Follow it with status."
    )
    arguments = RetryArguments
    reply = QueueReply
    annotations = hints(destructive=True)

    async def run(self, arguments: RetryArguments, ctx: OpenCall) -> QueueReply:
        services = await self.caller.services()
        batch = await services.batches.get(arguments.batch_id, owner=self.caller.owner)
        waits = not batch.ended and batch.state is not BatchState.PAUSED
        # With a new limit it is no mere going on: a round under way keeps what it was promised.
        goes_on = waits and arguments.max_cost_usd is None
        if goes_on and services.worker_health.resume():
            seen = await self.caller.view(services, batch.id, arguments.wait_s, Reporter(ctx))
            return resumed_reply(batch, seen)
        if batch.kind not in VERBS:  # a plugin's: there is no site to plan from
            return await self._retry_plugin(services, batch, arguments, ctx)
        submitted = await services.content.retry(
            arguments.batch_id,
            self.caller.origin,
            request_key=arguments.request_key or None,
            max_cost_usd=arguments.max_cost_usd,
        )
        return await self.caller.answer(
            services, submitted, ctx, wait_s=arguments.wait_s, again=True
        )

    async def _retry_plugin(
        self, services: Services, batch: Batch, arguments: RetryArguments, ctx: OpenCall
    ) -> QueueReply:
        key = arguments.request_key or None
        submission = await services.batches.retry(
            batch.id, owner=self.caller.owner, request_key=key
        )
        wait_s = arguments.wait_s if submission.batch is not None else 0.0
        seen = await self.caller.view(services, batch.id, wait_s, Reporter(ctx))
        return retried_reply(submission.batch, seen)
