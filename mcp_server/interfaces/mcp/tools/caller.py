"""The caller of a server's tools, and the answer to calls that queue work."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mcp_server.clock import Clock
from mcp_server.content.actions.calls import Submitted
from mcp_server.interfaces.mcp.answers.batch import BatchView, view_of
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.queued import Queued
from mcp_server.interfaces.mcp.answers.replies import QueueReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.wait import Reporter, report_batch
from mcp_server.interfaces.services import Services, ServicesProvider
from mcp_server.jobs.job import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What all tools of one server share: the workspace, and the origin of every call."""

    provider: ServicesProvider
    origin: Origin
    clock: Clock

    @property
    def owner(self) -> str:
        """The owner whose batches the caller may see."""
        return self.origin.owner

    async def services(self) -> Services:
        """Return the services of the workspace, opened on first use.

        Raises:
            Unavailable: there is no workspace, or it is broken; says how to mend it.
        """
        return await self.provider.services()

    def outlives(self, services: Services) -> bool:
        """Whether the worker goes on after this client's server has ended."""
        # A client of stdio ends its server when it leaves; an HTTP server goes on without clients.
        return self.origin.interface != "mcp-stdio" or services.worker_mode == "detached"

    async def answer(
        self,
        services: Services,
        submitted: Submitted,
        ctx: OpenCall,
        *,
        wait_s: float,
        again: bool = False,
    ) -> QueueReply:
        """Report what was queued, wait if the caller asked for it, and return the answer.

        `again`: it was a retry.
        """
        queued = Queued(
            submitted=submitted,
            marks=Marks(self.clock),
            again=again,
            outlives=self.outlives(services),
        )
        if submitted.batch_id is None:
            return queued.reply()
        reporter = Reporter(ctx)
        if not submitted.duplicate:
            await reporter.queued(submitted.count)
        if not wait_s:
            return queued.reply()
        seen = await self.view(services, submitted.batch_id, wait_s, reporter)
        return replace(queued, seen=seen).reply()

    async def view(
        self, services: Services, batch_id: str, wait_s: float, reporter: Reporter
    ) -> BatchView:
        """Return the view of a batch, after a wait for it if `wait_s` is not 0."""
        if wait_s:
            await report_batch(services.hub, batch_id, seconds=wait_s, reporter=reporter)
        batch = await services.batches.get(batch_id, owner=self.owner)
        health = await services.worker_health()
        return await view_of(services, batch, health=health, now=services.clock.now())
