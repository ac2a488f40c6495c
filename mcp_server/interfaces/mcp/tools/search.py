"""`search`: find texts by what they mean and by their words."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
from pydantic import BeforeValidator, Field

from mcp_server.content.actions.searched import SearchCall, TextState
from mcp_server.errors import InvalidPayload
from mcp_server.interfaces.mcp.answers.fit import ROWS
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import SearchReply
from mcp_server.interfaces.mcp.answers.search import search_reply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import (
    CURSOR_MAX,
    LIMIT_MAX,
    Arguments,
    Id,
    Question,
    as_list,
)
from mcp_server.interfaces.mcp.tools.tool import Tool, hints

NAMES_MAX = 20
"""Types, states or languages in one call."""


class SearchArguments(Arguments):
    """What to look for."""

    query: Question | None = Field(
        None, description="A question, a name, a code; in any words and language."
    )
    type: Annotated[list[Id] | None, BeforeValidator(as_list)] = Field(
        None,
        max_length=NAMES_MAX,
        description="Only section, page (title, description), fact (of site.yaml), or a plugin's.",
    )
    state: Annotated[list[TextState] | None, BeforeValidator(as_list)] = Field(
        None, max_length=NAMES_MAX, description="Only texts that are this."
    )
    language: Annotated[list[Id] | None, BeforeValidator(as_list)] = Field(
        None, max_length=NAMES_MAX, description="Only in this language, such as de."
    )
    limit: int | None = Field(None, ge=1, le=LIMIT_MAX, description="Rows at most; default 10.")
    cursor: int | None = Field(
        None, ge=0, le=CURSOR_MAX, description="nextCursor of the answer before."
    )


class Search(Tool[SearchArguments]):
    """Find texts by what they mean and by their words."""

    name = "search"
    title = "Search the site"
    description = (
        "Texts of the web site: finds sections (live texts and drafts), pages, facts and what "
        "plugins keep, by meaning and by words, across languages and typos; says where each is and "
        "why it was found. review shows one whole, status what runs."
    )
    arguments = SearchArguments
    reply = SearchReply
    annotations = hints(read_only=True, idempotent=True)

    async def run(self, arguments: SearchArguments, ctx: OpenCall) -> SearchReply:  # noqa: ARG002 - all tools are called alike
        if not arguments.query:
            raise InvalidPayload("search", ["query is missing: write what to look for"])
        content = (await self.caller.services()).content
        call = SearchCall(
            query=arguments.query,
            types=tuple(arguments.type or ()),
            states=tuple(arguments.state or ()),
            languages=tuple(arguments.language or ()),
            limit=arguments.limit or ROWS,
            cursor=arguments.cursor or 0,
        )
        found = await content.search(call, self.caller.origin)
        reply = partial(
            search_reply,
            found,
            Marks(self.caller.clock),
            limited=arguments.limit is not None,
            start=call.cursor,
        )
        return await anyio.to_thread.run_sync(reply)  # in a thread: snippets of long texts
