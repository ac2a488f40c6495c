"""`unpublish`: queue taking live texts off production."""

from __future__ import annotations

from pydantic import Field

from mcp_server.interfaces.mcp.answers.replies import QueueReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import Changing
from mcp_server.interfaces.mcp.tools.schemas import UNLISTED
from mcp_server.interfaces.mcp.tools.tool import Tool, hints


class UnpublishArguments(Changing):
    """Take live texts off production."""

    force: bool | None = Field(
        None,
        description="true: even if the live text has changed meanwhile.",
        json_schema_extra=UNLISTED,
    )


class Unpublish(Tool[UnpublishArguments]):
    """Queue the removal of live texts."""

    name = "unpublish"
    title = "Take texts off production"
    description = (
        "Live texts of the web site: queues taking the named pages or sections off, files too. "
        "Drafts stay, withdrawn; rollback brings back what was live. Ask the user first. Answers "
        "with a batchId at once; follow it with status."
    )
    arguments = UnpublishArguments
    reply = QueueReply
    annotations = hints(destructive=True)

    async def run(self, arguments: UnpublishArguments, ctx: OpenCall) -> QueueReply:
        services = await self.caller.services()
        submitted = await services.content.unpublish(arguments.call(None), self.caller.origin)
        return await self.caller.answer(services, submitted, ctx, wait_s=arguments.wait_s)
