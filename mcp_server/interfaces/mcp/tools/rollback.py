"""`rollback`: queue taking changes to the live texts back."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from mcp_server.interfaces.mcp.answers.replies import QueueReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import AsOf, Changing, Id, moment
from mcp_server.interfaces.mcp.tools.tool import Tool, hints


class RollbackArguments(Changing):
    """Take changes to the live texts back."""

    batch_id: Id | None = Field(None, description="Put back what stood before this batch.")
    revision: Id | None = Field(None, description="One section: hash of a text that was live.")
    as_of: AsOf | None = Field(None, description="Back to that day (2026-11-24) or time.")


class Rollback(Tool[RollbackArguments]):
    """Queue the taking back of changes to production."""

    name = "rollback"
    title = "Take back what is live"
    description = (
        "Live texts of the web site: queues putting back what was live before. "
        "Nothing named: the latest promote or unpublish that stands, as a whole. batchId: what "
        "stood before that batch. A page: the latest that stands on it. Sections: the last "
        "change to each; the same again gives it back. Answers with a batchId at once; "
        "follow it with status."
    )
    arguments = RollbackArguments
    reply = QueueReply
    annotations = hints(destructive=True)

    async def run(self, arguments: RollbackArguments, ctx: OpenCall) -> QueueReply:
        services = await self.caller.services()
        call = replace(
            arguments.call(arguments.batch_id),
            revision=arguments.revision or None,
            as_of=moment(arguments.as_of, services.clock),
        )
        submitted = await services.content.rollback(call, self.caller.origin)
        return await self.caller.answer(services, submitted, ctx, wait_s=arguments.wait_s)
