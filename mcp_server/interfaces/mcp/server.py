"""The MCP server: what it says of itself and its tools; what they do is behind `boundary`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.to_thread
import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    SERVER_INFO_META_KEY,
    CallToolRequestParams,
    CallToolResult,
    DiscoverResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListToolsResult,
    PaginatedRequestParams,
    RequestParams,
)
from mcp_types.version import LATEST_HANDSHAKE_VERSION, MODERN_PROTOCOL_VERSIONS

from mcp_server.interfaces.mcp.call import OpenCall, Waits, client_of
from mcp_server.interfaces.mcp.identity import (
    ICON,
    INSTRUCTIONS,
    NAME,
    TITLE,
    instructions_for,
    plain_name,
    takes_plain_names,
)
from mcp_server.interfaces.mcp.prompts import listed_prompts, prompt_of

if TYPE_CHECKING:
    from mcp_server.clock import Clock
    from mcp_server.interfaces.mcp.boundary import Boundary
    from mcp_server.interfaces.services import ServicesProvider
    from mcp_server.jobs.job import Origin
    from mcp_server.plugin.loading import Plugins

NO_CURSOR = "There is no such cursor: all are on the one page that is listed without."


def build_server(
    provider: ServicesProvider,
    *,
    version: str,
    origin: Origin,
    clock: Clock | None = None,
    plugins: Plugins | None = None,
    listed: Sequence[mcp_types.Tool] | None = None,
) -> PressroomServer:
    """Return the server, for any transport; `origin` is the origin of every call.

    With `listed`, the tools as clients are told of them, what runs them is loaded by the first call
    or by `load`.
    """

    def load() -> Boundary:
        from mcp_server.clock import SystemClock  # noqa: PLC0415 - with the rest
        from mcp_server.interfaces.mcp.boundary import boundary_around  # noqa: PLC0415 - see above
        from mcp_server.interfaces.mcp.tools.caller import Caller  # noqa: PLC0415 - with it

        caller = Caller(provider=provider, origin=origin, clock=clock or SystemClock())
        return boundary_around(caller, plugins)

    boundary = None
    if listed is None:
        boundary = load()
        listed = boundary.listed()
    over_http = origin.interface == "mcp-http"
    return PressroomServer(boundary or load, listed, version=version, over_http=over_http)


class PressroomServer(Server[Any]):
    """The protocol library's server, with our tools and prompts: it declares only those."""

    def __init__(
        self,
        boundary: Boundary | Callable[[], Boundary],
        listed: Sequence[mcp_types.Tool],
        *,
        version: str,
        over_http: bool,
    ) -> None:
        super().__init__(
            name=NAME,
            title=TITLE,
            instructions=INSTRUCTIONS,
            version=version,
            icons=[ICON],
            on_list_tools=self._list,
            on_call_tool=self._call,
            on_list_prompts=self._list_prompts,
            on_get_prompt=_get_prompt,
            get_tool_input_schema=self._input_schema,
        )
        self.add_request_handler("server/discover", RequestParams, self._discover)
        self.middleware.append(_with_names_of_the_client)
        self.waits = Waits()
        self._boundary, self._loading = boundary, anyio.Lock()
        self._listed = {plain_name(tool.name): tool for tool in listed}
        self._over_http = over_http

    async def load(self) -> Boundary:
        """Return what runs the tools, loaded in a thread if it is not there yet."""
        async with self._loading:
            if callable(self._boundary):
                self._boundary = await anyio.to_thread.run_sync(self._boundary)
            return self._boundary

    async def _call(
        self, ctx: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult:
        boundary = await self.load()
        call = OpenCall(ctx, self.waits)
        result = await boundary.call_tool(params.name, params.arguments or {}, call)
        await call.settle()
        return result

    async def _list(
        self, ctx: ServerRequestContext[Any, Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        _check_cursor(params)
        if not takes_plain_names(client_of(ctx)):
            return ListToolsResult(tools=list(self._listed.values()))
        renamed = (tool.model_copy(update={"name": n}) for n, tool in self._listed.items())
        return ListToolsResult(tools=list(renamed))

    async def _list_prompts(
        self,
        ctx: ServerRequestContext[Any, Any],  # noqa: ARG002 - handlers are called alike
        params: PaginatedRequestParams | None,
    ) -> ListPromptsResult:
        _check_cursor(params)
        return ListPromptsResult(prompts=listed_prompts())

    def _input_schema(self, name: str) -> dict[str, Any] | None:
        """Return the schema that the library holds parameters in HTTP headers against."""
        tool = self._listed.get(plain_name(name))
        return None if tool is None else tool.input_schema

    async def _discover(
        self,
        ctx: ServerRequestContext[Any, Any],
        params: RequestParams,  # noqa: ARG002 - handlers are called alike
    ) -> DiscoverResult:
        versions = list(MODERN_PROTOCOL_VERSIONS)
        # Over a pipe the first request decides: after a discover there is no handshake any more.
        if self._over_http:
            versions.append(LATEST_HANDSHAKE_VERSION)
        whole = self.server_info.model_dump(by_alias=True, mode="json", exclude_none=True)
        return DiscoverResult(
            supported_versions=versions,
            capabilities=self.get_capabilities(protocol_version=ctx.protocol_version),
            instructions=instructions_for(client_of(ctx)),
            _meta={SERVER_INFO_META_KEY: whole},
        )

    @property
    def server_info_stamp(self) -> dict[str, Any]:
        """What every answer says of the server: not its icon, which few answers are longer than."""
        return {"name": NAME, "title": TITLE, "version": self.version}


def _check_cursor(params: PaginatedRequestParams | None) -> None:
    if params is not None and params.cursor:
        raise MCPError(code=mcp_types.INVALID_PARAMS, message=NO_CURSOR)


async def _get_prompt(
    ctx: ServerRequestContext[Any, Any],  # noqa: ARG001 - handlers are called alike
    params: GetPromptRequestParams,
) -> GetPromptResult:
    return prompt_of(params.name, params.arguments or {})


async def _with_names_of_the_client(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Tell a client that shakes hands of the tools by the names that it will be shown."""
    result = await call_next(ctx)
    if ctx.method != "initialize":
        return result
    info = cast("dict[str, Any]", (ctx.params or {}).get("clientInfo"))
    return {**cast("dict[str, Any]", result), "instructions": instructions_for(info["name"])}
