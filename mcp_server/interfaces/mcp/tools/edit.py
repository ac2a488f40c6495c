"""`edit`: write or change a draft by hand, at once."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, cast

import anyio.to_thread
from pydantic import BeforeValidator, Field, StringConstraints

from mcp_server.content.actions.calls import EditCall
from mcp_server.content.actions.edit_text import TEXT_LENGTH_MAX
from mcp_server.content.text.replace import Replacement
from mcp_server.entities.entity import Author
from mcp_server.interfaces.mcp.answers.edited import edit_reply
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import EditReply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import Arguments, Id, Selecting
from mcp_server.interfaces.mcp.tools.tool import Tool, hints

REPLACEMENTS_MAX = 50
"""In one call. Who has more to change writes the text."""
NAME_LENGTH_MAX = 60
Text = Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX)]


def _author(client: str | None) -> Author:
    """Return who writes: the chat of a client, or else a person at a terminal."""
    if client is None:
        return Author(kind="person")
    # As one word: a client may call itself anything, and its name stands beside its texts.
    name = re.sub(r"[^\w.:+-]+", "-", client).strip("-")[:NAME_LENGTH_MAX]
    return Author(kind="chat", name=name)


def _parsed(value: object) -> object:
    """Read an object or list that came as a string, as some clients send it."""
    if not isinstance(value, str):
        return value
    try:
        return cast("object", json.loads(value))
    except (ValueError, RecursionError):
        return value


def _as_replacements(value: object) -> object:
    parsed = _parsed(value)
    return [cast("object", parsed)] if isinstance(parsed, dict) else parsed


class ReplaceArgument(Arguments):
    """One change."""

    old: Annotated[str, StringConstraints(min_length=1)]
    new: str


class EditArguments(Selecting):
    """Change a draft."""

    text: Text | None = Field(None, description="The whole Markdown.")
    fields: Annotated[dict[str, Any] | None, BeforeValidator(_parsed)] = Field(
        None, description="Template fields to set; the rest stays."
    )
    replace: Annotated[list[ReplaceArgument] | None, BeforeValidator(_as_replacements)] = Field(
        None,
        max_length=REPLACEMENTS_MAX,
        description="Each old stands once in a section; with page or pages, in each with it.",
    )
    restore: Id | None = Field(None, description="Hash of an earlier text to make the draft.")
    discard: bool | None = Field(None, description="true: back to the draft before, or none.")
    content_hash: Id | None = Field(
        None, description="Hash of the text as read; refused if changed."
    )
    dry_run: bool | None = Field(None, description="true: only show the change.")

    def call(self) -> EditCall:
        """Return these arguments as a call of the content service."""
        return EditCall(
            selector=self.selector,
            text=self.text,
            fields=self.fields or None,
            replace=tuple(Replacement(old=r.old, new=r.new) for r in self.replace or ()),
            restore=self.restore or None,
            discard=bool(self.discard),
            content_hash=self.content_hash or None,
            dry_run=bool(self.dry_run),
        )


class Edit(Tool[EditArguments]):
    """Write or change a draft."""

    name = "edit"
    title = "Edit a draft"
    description = (
        "A section's draft: changes it at once by one of text, fields, replace, restore, discard; "
        "no model is asked, and what is live stays. Refused while status shows its promotion."
    )
    arguments = EditArguments
    reply = EditReply
    annotations = hints()

    async def run(self, arguments: EditArguments, ctx: OpenCall) -> EditReply:
        services = await self.caller.services()
        edited = await services.content.edit(
            arguments.call(), _author(ctx.client), self.caller.origin
        )
        marks = Marks(self.caller.clock)
        return await anyio.to_thread.run_sync(edit_reply, edited, marks)  # texts may be long
