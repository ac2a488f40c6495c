"""Our tools as clients are told of them, without loading the tools: a client waits for this list.

`listed.json` is written from the tools by `uv run python -m tests.pages`.
"""

from __future__ import annotations

import json
from pathlib import Path

from mcp_types import Tool

FILE = Path(__file__).with_name("listed.json")


def listed_tools() -> list[Tool]:
    """Return all tools that Pressroom brings; those of plugins are not among them."""
    return [Tool.model_validate(tool) for tool in json.loads(FILE.read_text("utf-8"))]


def as_text(tools: list[Tool]) -> str:
    """Return the text of the file for these tools."""
    plain = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
