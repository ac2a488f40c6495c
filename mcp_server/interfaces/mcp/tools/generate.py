"""`generate-all` and `generate`: queue the drafting of the whole site, or of chosen sections."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from mcp_server.content.actions.calls import GenerateCall, Selector
from mcp_server.content.drafting.prompt import Mode
from mcp_server.interfaces.mcp.answers.replies import QueueReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import (
    MaxCostUsd,
    Queueing,
    Selecting,
    Streaming,
    without_nul,
)
from mcp_server.interfaces.mcp.tools.tool import Tool, hints

INSTRUCTIONS_LENGTH_MAX = 8_000
"""A long page of wishes. Anything longer is a document, and belongs in `site.yaml`."""
MATERIAL_LENGTH_MAX = 100_000
"""A small book of prices. A model is sent it with each section, and that is paid for."""


class Drafting(Queueing):
    """How sections are drafted."""

    mode: Mode | None = Field(
        None,
        description="leave: only sections without a text yet (the default). new: draft afresh. "
        "with-current: revise the present text (the default with instructions).",
    )
    instructions: str | None = Field(
        None,
        max_length=INSTRUCTIONS_LENGTH_MAX,
        description="Wishes and facts for the writing: shorter, and lunch is 12 € now.",
    )
    max_cost_usd: MaxCostUsd | None = Field(
        None, description="The batch pauses before it costs more than this, in US dollars."
    )
    dry_run: bool | None = Field(
        None,
        description="true: only say what would be drafted, at what cost; nothing is queued.",
    )

    def call(self, tool: str, selector: Selector) -> GenerateCall:
        """Return these arguments as a call of the content service."""
        return GenerateCall(
            selector=selector,
            mode=self.mode,
            instructions=without_nul(self.instructions or "").strip(),
            max_cost_usd=self.max_cost_usd,
            dry_run=bool(self.dry_run),
            request_key=self.request_key or None,
            tool=tool,
        )


class GenerateAllArguments(Drafting):
    """Draft the whole site."""


class GenerateArguments(Drafting, Streaming, Selecting):
    """Draft the chosen sections; nothing chosen is the whole site."""

    material: str | None = Field(
        None,
        max_length=MATERIAL_LENGTH_MAX,
        description="Pasted text to write from, such as a price list. Its facts count.",
    )

    def call(self, tool: str, selector: Selector) -> GenerateCall:
        return replace(
            super().call(tool, selector), material=without_nul(self.material or "").strip()
        )


class GenerateAll(Tool[GenerateAllArguments]):
    """Queue the drafting of the whole site."""

    name = "generate-all"
    title = "Draft the whole site"
    description = (
        "All sections of the web site: queues the drafting of every one that has "
        "no text yet, or of all with mode new. Answers with a batchId before anything is "
        "written; the drafts are previews, nothing goes live. Follow it with status."
    )
    arguments = GenerateAllArguments
    reply = QueueReply
    annotations = hints()

    async def run(self, arguments: GenerateAllArguments, ctx: OpenCall) -> QueueReply:
        services = await self.caller.services()
        call = arguments.call(self.name, Selector())
        submitted = await services.content.generate(call, self.caller.origin)
        return await self.caller.answer(services, submitted, ctx, wait_s=arguments.wait_s)


class Generate(Tool[GenerateArguments]):
    """Queue the drafting of the chosen sections."""

    name = "generate"
    title = "Draft sections"
    description = (
        "Chosen pages or sections of the web site: queues their drafting or, with "
        "instructions, their revision. Answers with a batchId before anything is written; "
        "the drafts are previews, nothing goes live. Follow it with status."
    )
    arguments = GenerateArguments
    reply = QueueReply
    annotations = hints()

    async def run(self, arguments: GenerateArguments, ctx: OpenCall) -> QueueReply:
        services = await self.caller.services()
        call = arguments.call(self.name, arguments.selector)
        submitted = await services.content.generate(call, self.caller.origin)
        return await self.caller.answer(services, submitted, ctx, wait_s=arguments.wait_s)
