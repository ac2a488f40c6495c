"""The prompts that clients offer their users: words to begin a chat with."""

from __future__ import annotations

import json
from collections.abc import Mapping

import mcp_types
from mcp.shared.exceptions import MCPError
from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

WRITE = Prompt(
    name="write-with-this-chat",
    title="Write with this chat",
    description="This chat writes the drafts itself, so no drafting model or key is needed.",
    arguments=[
        PromptArgument(
            name="page",
            title="Page",
            description="Id of a page, such as menu; without it, the whole site.",
            required=False,
        )
    ],
)

STEPS = """\
Write the drafts of {what} yourself, with Pressroom's tools; nothing is sent to another model.

1. review {missing} lists the sections without a text (with nextCursor, more of them).
2. For each: review {{"section": "page/section", "brief": true}} gives facts, fields and rules. \
Write the fields from that alone; invent nothing.
3. edit {{"section": "page/section", "fields": {{…}}}} checks and stores them as a draft. Where it \
refuses, mend what it names and call it again. Tell me what it holds or notes.
4. When none is missing, show me what promote {dry_run} would do, and ask before you promote."""


def listed_prompts() -> list[Prompt]:
    """Return all prompts."""
    return [WRITE]


def prompt_of(name: str, arguments: Mapping[str, str]) -> GetPromptResult:
    """Return the words of a prompt.

    Raises:
        MCPError: there is no such prompt, or an argument does not fit.
    """
    if name != WRITE.name:
        raise _refused(f"There is no such prompt; there is {WRITE.name}.")
    if unknown := sorted(arguments.keys() - {"page"}):
        raise _refused(f"It takes page only, and {len(unknown)} other arguments were given.")
    from mcp_server.entities.entity import PAGE_IDS, is_page_id  # noqa: PLC0415 - hardly any client asks

    page = arguments.get("page", "").strip()
    if page and not is_page_id(page):
        raise _refused(f"page is no page id; {PAGE_IDS}.")
    named = json.dumps(page, ensure_ascii=False)  # the name of a file may hold any words
    text = STEPS.format(
        what=f"the page {named}" if page else "the whole site",
        missing=f'{{"page": {named}, "state": ["missing"]}}' if page else '{"state": ["missing"]}',
        dry_run=f'{{"page": {named}, "dryRun": true}}' if page else '{"dryRun": true}',
    )
    words = PromptMessage(role="user", content=TextContent(type="text", text=text))
    return GetPromptResult(description=WRITE.description, messages=[words])


def _refused(message: str) -> MCPError:
    return MCPError(code=mcp_types.INVALID_PARAMS, message=message)
