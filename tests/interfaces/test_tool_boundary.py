"""What a client is told when a call goes wrong: our words, and nothing of the inside."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_server.errors import ConfigError, StorageBusy, StorageError, Unavailable
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Origin

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("mode", ["legacy", "auto"])]


class Trouble:
    """A workspace that cannot be opened, for one reason or another."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def services(self) -> Services:
        """Raise the reason."""
        raise self._error


async def called(
    mode: str, error: Exception, tool: str, arguments: dict[str, Any]
) -> CallToolResult:
    """Return what a client gets that calls `tool` where opening the workspace raises `error`."""
    origin = Origin(owner="local", interface="mcp-stdio")
    server = build_server(Trouble(error), version="0.0.0", origin=origin)
    async with Client(server, mode=mode) as client:
        return await client.call_tool(tool, arguments)


def text(result: CallToolResult) -> str:
    """The only text of a tool error."""
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert result.structured_content is None  # strict clients hold it against the output schema
    return block.text


NO_WORKSPACE = Unavailable("There is no workspace here; `pressroom init DIR` makes one.")


async def test_expected_trouble_arrives_in_its_own_words(mode: str) -> None:
    """No prefix of the library's before them."""
    result = await called(mode, NO_WORKSPACE, "generate", {})
    assert text(result) == str(NO_WORKSPACE)
    assert result.meta is not None
    assert result.meta["pressroom/error"] == {"code": "unavailable"}


async def test_wrong_settings_are_told_as_they_are(mode: str) -> None:
    """The server starts all the same, and the next call reads the mended file.

    They quote the file, so they stand between marks.
    """
    error = ConfigError("pressroom.toml:3: concurrency is 0; write at least 1")
    said, opening, words, closing, meaning = text(await called(mode, error, "status", {})).split(
        "\n"
    )
    assert said == "The settings cannot be used as they are."
    assert words == str(error)
    assert opening in meaning and closing in meaning


async def test_generate_all_is_accepted_with_an_underscore(mode: str) -> None:
    """Some clients rewrite the hyphen and then call what they wrote."""
    assert text(await called(mode, NO_WORKSPACE, "generate_all", {})) == str(NO_WORKSPACE)


async def test_an_unknown_tool_names_the_nearest_and_all_others(mode: str) -> None:
    """A model that guessed a name needs no second guess."""
    message = text(await called(mode, NO_WORKSPACE, "promot", {}))
    assert "There is no tool 'promot'. Did you mean promote" in message
    assert "rollback" in message


async def test_an_unknown_argument_is_refused_with_the_nearest_name(mode: str) -> None:
    """A filter that is dropped in silence would act on the whole site."""
    message = text(await called(mode, NO_WORKSPACE, "promote", {"dry_run": True}))
    assert 'unknown argument "dry_run"; did you mean dryRun?' in message


async def test_a_wrong_value_is_refused_with_what_is_allowed(mode: str) -> None:
    """In plain words, all mistakes at once, and without a link to a library's site."""
    result = await called(mode, NO_WORKSPACE, "generate", {"mode": "fast", "waitSeconds": 60})
    message = text(result)
    assert 'mode must be one of leave, new, with-current, not "fast"' in message
    assert "waitSeconds must be a number from 0 to 45, not 60" in message
    assert "http" not in message
    assert "pydantic" not in message


async def test_an_id_of_500_characters_is_refused_without_repeating_it(mode: str) -> None:
    """The message stays short."""
    message = text(await called(mode, NO_WORKSPACE, "promote", {"page": "x" * 500}))
    assert (
        message == "promote: page must be text of at most 400 characters, not one of 500 characters"
    )


async def test_a_crash_is_logged_and_reaches_the_client_as_one_plain_sentence(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No traceback, no path, no secret."""
    with caplog.at_level(logging.ERROR):
        message = text(await called(mode, RuntimeError("/home/me key=sk-1"), "status", {}))
    assert "sk-1" not in message
    assert "/home" not in message
    assert "sk-1" in caplog.text


async def test_a_database_that_refuses_is_told_without_its_path(mode: str) -> None:
    """And the one that is only busy may be asked again."""
    refused = text(await called(mode, StorageError("/home/me/db is full"), "status", {}))
    assert "/home" not in refused
    assert "call again" in text(await called(mode, StorageBusy("locked"), "status", {}))
