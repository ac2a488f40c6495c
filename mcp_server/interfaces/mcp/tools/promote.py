"""`promote`: queue making drafts the live texts."""

from __future__ import annotations

from pydantic import Field

from mcp_server.interfaces.mcp.answers.replies import QueueReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import Changing, Id
from mcp_server.interfaces.mcp.tools.tool import Tool, hints


class PromoteArguments(Changing):
    """Make drafts live."""

    batch_id: Id | None = Field(None, description="Only what this batch of `generate` drafted.")


class Promote(Tool[PromoteArguments]):
    """Queue the promotion of drafts to production."""

    name = "promote"
    title = "Make drafts live"
    description = (
        "Drafts of the web site: queues making them the live text in the pages' Markdown files. "
        "Nothing named, or pages: all that differ from the live text and were not withdrawn; a "
        "withdrawn one by section. Named, a deleted file is written again. Ask the user "
        "first; dryRun lists the changes with a digest. rollback takes it back. Answers with a "
        "batchId at once; follow it with status."
    )
    arguments = PromoteArguments
    reply = QueueReply
    annotations = hints(destructive=True)

    async def run(self, arguments: PromoteArguments, ctx: OpenCall) -> QueueReply:
        services = await self.caller.services()
        call = arguments.call(arguments.batch_id)
        submitted = await services.content.promote(call, self.caller.origin)
        return await self.caller.answer(services, submitted, ctx, wait_s=arguments.wait_s)
