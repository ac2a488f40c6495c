"""The README says what is there, and all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mcp_server.clock import SystemClock
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.catalogue import catalogue
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Origin

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


class NoServices:
    """Nothing is called here; the catalogue is only listed."""

    async def services(self) -> Services:
        raise AssertionError("the catalogue needs no services")


def test_it_is_short_enough_to_be_read() -> None:
    """At most 160 lines: the rest is in `docs/`."""
    assert len(README.splitlines()) <= 160


def test_every_tool_is_in_it() -> None:
    """No tool is left for the reader to find."""
    caller = Caller(
        provider=NoServices(),
        origin=Origin(owner="local", interface="test"),
        clock=SystemClock(),
    )
    for entry in catalogue(caller):
        assert f"`{entry.name}`" in README, entry.name


def test_its_json_blocks_are_json() -> None:
    """What is copied into a configuration can be read there."""
    blocks = re.findall(r"```json\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        json.loads(block)
