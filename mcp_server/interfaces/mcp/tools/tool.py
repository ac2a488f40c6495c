"""The base class of tools: how a tool is listed, called and run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool as ListedTool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp_types import ToolAnnotations

from mcp_server.interfaces.mcp.answers.replies import Reply
from mcp_server.interfaces.mcp.tools.arguments import Arguments, parse
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.schemas import wire_schema

A = TypeVar("A", bound=Arguments)
OpenCall = Context[Any, Any]
"""The open call of a tool; progress can be sent on it until the answer."""


class Tool(ABC, Generic[A]):
    """One tool of one server. A subclass is a file of its own, beside its arguments."""

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    """Begins with what the tool acts on."""
    arguments: type[A]
    reply: ClassVar[type[Reply]]
    annotations: ClassVar[ToolAnnotations]

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    @abstractmethod
    async def run(self, arguments: A, ctx: OpenCall) -> Reply:
        """Do what the tool is for, with checked arguments.

        Raises:
            CallerError: the call cannot be carried out; the message says what to do.
        """

    async def call(self, raw: dict[str, Any], ctx: OpenCall) -> Reply:
        """Check the arguments and run the tool.

        Raises:
            CallerError: the arguments do not fit, or the call cannot be carried out.
        """
        return await self.run(parse(self.name, self.arguments, raw), ctx)

    def listed(self) -> ListedTool:
        """Return the tool for the list that clients ask for."""
        return ListedTool(
            fn=self.run,
            name=self.name,
            title=self.title,
            description=self.description,
            parameters=wire_schema(self.arguments),
            fn_metadata=FuncMetadata(
                arg_model=self.arguments, output_schema=wire_schema(self.reply)
            ),
            is_async=True,
            context_kwarg="ctx",
            annotations=self.annotations,
        )


def hints(
    *,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
) -> ToolAnnotations:
    """Return all four annotations: for one that is missing, clients assume the protocol's default.

    Those defaults are the worst case (destructive, open world), and would be wrong for most tools.
    """
    return ToolAnnotations(
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=open_world,
    )
