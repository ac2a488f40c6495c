"""The list of tools as clients read it: every one of them chokes on something else."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any, cast

import pytest
from mcp import Client
from mcp_types import Implementation, Tool

from mcp_server.errors import Unavailable
from mcp_server.interfaces.mcp import listing
from mcp_server.interfaces.mcp.identity import INSTRUCTIONS
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.interfaces.mcp.tools.catalogue import TOOLS
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Origin
from tests.pages import tools as pages

ALL = {"generate", "generate-all", "promote", "rollback", "unpublish"} | {
    *("edit", "status", "cancel", "retry", "review", "search"),
}
READ_ONLY = {"status", "review", "search"}
DESTRUCTIVE = {"promote", "rollback", "unpublish", "retry", "cancel"}


class NoWorkspace:
    """A server that was started outside any workspace."""

    async def services(self) -> Services:
        """Raise what a user is told then."""
        raise Unavailable("There is no workspace here; `pressroom init DIR` makes one.")


def client(mode: str, name: str = "test") -> Client:
    """Return a client of a server without a workspace."""
    origin = Origin(owner="local", interface="mcp-stdio")
    server = build_server(NoWorkspace(), version="0.0.0", origin=origin)
    return Client(server, mode=mode, client_info=Implementation(name=name, version="1"))


@pytest.fixture(params=["legacy", "auto"])
async def tools(request: pytest.FixtureRequest) -> AsyncGenerator[list[Tool]]:
    """The list that a client of either era gets."""
    async with client(request.param) as connected:
        yield (await connected.list_tools()).tools


def schemas(tools: list[Tool]) -> Iterator[dict[str, Any]]:
    """All schemas of all tools, the nested ones too."""
    for tool in tools:
        assert tool.output_schema is not None
        yield from nested(tool.input_schema)
        yield from nested(tool.output_schema)


def nested(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and those within it."""
    yield schema
    within = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    within += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for member in within:
        if isinstance(member, dict):
            yield from nested(cast("dict[str, Any]", member))


@pytest.mark.anyio
async def test_all_tools_of_this_version_are_listed_and_no_alias(tools: list[Tool]) -> None:
    """Aliases are accepted, but a model that sees both names wonders which is which."""
    assert {tool.name for tool in tools} == ALL


def test_the_list_that_is_served_without_loading_the_tools_is_theirs() -> None:
    """Written anew by `uv run python -m tests.pages`."""
    assert listing.FILE.read_text("utf-8") == pages.listed()
    assert listing.listed_tools() == [tool.listed() for tool in TOOLS]


@pytest.mark.anyio
async def test_no_schema_refers_to_another_or_allows_null(tools: list[Tool]) -> None:
    """`$ref`, `$defs` and `null` make one client or another drop the tool, or all tools."""
    text = json.dumps([(tool.input_schema, tool.output_schema) for tool in tools])
    assert '"$ref"' not in text
    assert '"$defs"' not in text
    assert '"null"' not in text
    assert not any("anyOf" in schema or "oneOf" in schema for schema in schemas(tools))


@pytest.mark.anyio
async def test_every_schema_is_a_closed_object(tools: list[Tool]) -> None:
    """Unknown arguments are refused, and the schema says so."""
    for tool in tools:
        assert tool.input_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        assert tool.output_schema["type"] == "object"


def test_the_list_that_a_model_reads_is_short() -> None:
    """Every conversation pays for it. The schemas of answers, which no model needs, are apart."""
    read = [(tool.name, tool.description, tool.input_schema) for tool in listing.listed_tools()]
    answers = [tool.output_schema for tool in listing.listed_tools()]
    assert wire_bytes(read) <= 14_500
    assert wire_bytes(answers) <= 7_150


def wire_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.anyio
async def test_every_schema_says_its_type_and_titles_nothing(tools: list[Tool]) -> None:
    """Generated titles cost a model attention and tell it nothing."""
    for schema in schemas(tools):
        assert "type" in schema
        assert not isinstance(schema.get("title"), str)


@pytest.mark.anyio
async def test_every_parameter_is_described_and_in_camel_case(tools: list[Tool]) -> None:
    """One spelling on the wire."""
    for tool in tools:
        for name, schema in tool.input_schema["properties"].items():
            assert schema.get("description"), f"{tool.name}.{name}"
            assert name.isalnum()
            assert name[0].islower()


@pytest.mark.anyio
async def test_every_tool_has_a_title_and_a_description_that_names_status(
    tools: list[Tool],
) -> None:
    """A description begins with what the tool acts on, and says how to follow it."""
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.name == "status" or "status" in tool.description


@pytest.mark.anyio
async def test_promote_and_rollback_say_what_a_page_means_to_them(tools: list[Tool]) -> None:
    """To both it is bulk, and none of its sections is named by it."""
    said = {tool.name: tool.description or "" for tool in tools}
    assert "Nothing named, or pages: all that differ" in said["promote"]
    assert "A page: the latest that stands on it" in said["rollback"]


@pytest.mark.anyio
async def test_every_tool_has_all_four_annotations(tools: list[Tool]) -> None:
    """What is not said is guessed by the host, and guessed wrong."""
    for tool in tools:
        hints = tool.annotations
        assert hints is not None
        assert hints.read_only_hint is (tool.name in READ_ONLY)
        assert hints.destructive_hint is (tool.name in DESTRUCTIVE)
        assert hints.idempotent_hint is not None
        # A model that the user has configured is no open world; hosts ask before a call that is.
        assert hints.open_world_hint is False


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_that_takes_no_hyphen_is_shown_generate_all_with_an_underscore(
    mode: str,
) -> None:
    """Cursor drops tools whose names hold anything but letters, digits and `_`."""
    async with client(mode, name="Cursor-vscode") as connected:
        names = {tool.name for tool in (await connected.list_tools()).tools}
    assert names == ALL - {"generate-all"} | {"generate_all"}


def test_the_instructions_fit_what_clients_show() -> None:
    """The canonical way in at most 600 characters."""
    assert len(INSTRUCTIONS) <= 600
