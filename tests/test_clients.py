"""What the page about clients tells them to run and to call is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mcp_server.interfaces.mcp.tools.arguments import WAIT_S_MAX
from mcp_server.interfaces.mcp.tools.catalogue import TOOLS
from tests.test_docs import blocks, understood

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGE = (ROOT / "docs" / "clients.md").read_text("utf-8")
COMMAND = re.search(r"`claude mcp add pressroom -- (uv run .+?)`", README)
"""What the README has a client start, behind `uv`."""
ADDITIONS = re.findall(r"^\| .+? \| `(\w+ mcp add .+?)` \|$", PAGE, flags=re.MULTILINE)
"""The commands that tell a client of the server."""
CLIENTS = ("Claude Code", "Codex", "Copilot CLI", "Gemini CLI", "opencode", "Cline")


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.split()[0])
def test_a_client_is_told_of_the_server_that_the_readme_starts(addition: str) -> None:
    """By the same command, or at the same address."""
    assert COMMAND is not None
    address = re.search(r"`(http://127\.0\.0\.1:\d+/mcp)`", README)
    assert address is not None
    assert addition.endswith((COMMAND[1], f" {address[1]}"))


def test_the_command_that_clients_start_is_understood() -> None:
    """By the command line of Pressroom."""
    assert COMMAND is not None
    _, _, told = COMMAND[1].partition(" pressroom serve ")
    understood("serve", told.split())


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_is_connected_described_and_dated(client: str) -> None:
    """It has a row in both tables, its version in the second."""
    assert re.search(rf"^\| {client} \| `\w+ mcp add ", PAGE, flags=re.MULTILINE)
    versions = re.findall(rf"^\| {client} (\d+(?:\.\d+)+) \| 20\d\d", PAGE, flags=re.MULTILINE)
    assert len(versions) == 1
    assert re.search(r"\bon 20\d\d-\d\d-\d\d\b", PAGE)


def test_the_names_that_models_see_are_of_a_tool_of_ours() -> None:
    """Less what the client puts before it, with its underscores for our hyphens."""
    names = re.findall(
        r"^\| [\w ]+ [\d.]+ \| 20[\d-]+ \| `(\w[\w-]+)` \|", PAGE, flags=re.MULTILINE
    )
    assert len(names) == len(CLIENTS)
    for name in names:
        assert name.replace("_", "-").endswith("generate-all"), name


def test_what_codex_refuses_is_what_may_change_what_is_there() -> None:
    """As the annotations of the tools say it."""
    [refused] = re.findall(r"refuses (.+?), which may change", PAGE)
    destructive = {tool.name for tool in TOOLS if tool.annotations.destructive_hint}
    assert set(re.findall(r"`([a-z-]+)`", refused)) == destructive


def test_the_longest_wait_on_the_page_is_that_of_the_tools() -> None:
    """And no limit of a client on it is shorter."""
    assert f"`waitSeconds` is at most {WAIT_S_MAX:g}" in PAGE
    limits = re.findall(r"\| (?:over )?(\d+) s(?:; `\w+`)? \|$", PAGE, flags=re.MULTILINE)
    assert len(limits) == len(CLIENTS)
    assert all(int(limit) > WAIT_S_MAX for limit in limits)


def test_its_settings_can_be_copied() -> None:
    """Into a file of TOML."""
    [settings] = blocks("toml", PAGE)
    assert tomllib.loads(settings)
