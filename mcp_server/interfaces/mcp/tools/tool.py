"""The base class of tools: how a tool is listed, called and run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from mcp_server.interfaces.mcp.answers.replies import Reply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.tools.arguments import Arguments, added_by_host, names_of, parse
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.schemas import listed_reply, listed_schema

if TYPE_CHECKING:
    from mcp_types import Tool as ListedTool

A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a client may be told of a tool before it runs, in the protocol's own words."""

    read_only_hint: bool
    destructive_hint: bool
    idempotent_hint: bool
    open_world_hint: bool


class Tool(ABC, Generic[A]):
    """One tool of one server. A subclass is a file of its own, beside its arguments."""

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    """Begins with what the tool acts on."""
    arguments: type[A]
    reply: ClassVar[type[Reply]]
    annotations: ClassVar[Hints]

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
        extras = added_by_host(raw, names_of(self.arguments))
        own = {name: value for name, value in raw.items() if name not in extras}
        return noting(extras, await self.run(parse(self.name, self.arguments, own), ctx))

    @classmethod
    def listed(cls) -> ListedTool:
        """Return the tool for the list that clients ask for."""
        # Here, as the command line runs tools and lists none: the protocol's types take a while.
        from mcp_types import Tool as ListedTool  # noqa: PLC0415 - see above
        from mcp_types import ToolAnnotations  # noqa: PLC0415 - with it

        return ListedTool(
            name=cls.name,
            title=cls.title,
            description=cls.description,
            input_schema=listed_schema(cls.arguments),
            output_schema=listed_reply(cls.reply),
            annotations=ToolAnnotations(**asdict(cls.annotations)),
        )


R = TypeVar("R", bound=Reply)


def noting(extras: Sequence[str], reply: R) -> R:
    """Return a reply that says which arguments were ignored, if any were."""
    if not extras:
        return reply
    said = f"Ignored what this tool does not take: {', '.join(extras)}."
    notes: list[str] = getattr(reply, "notes", None) or []
    return reply.model_copy(update={"notes": [*notes, said]})


def hints(
    *,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
) -> Hints:
    """Return all four annotations: for one that is missing, clients assume the protocol's default.

    Those defaults are the worst case (destructive, open world), and would be wrong for most tools.
    """
    return Hints(
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=open_world,
    )
