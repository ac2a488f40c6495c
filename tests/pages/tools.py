"""The parts of `docs/tools.md`: every tool, as clients are told of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from mcp_server.interfaces.mcp import listing
from mcp_server.interfaces.mcp.identity import INSTRUCTIONS
from mcp_server.interfaces.mcp.tools.catalogue import TOOLS
from mcp_server.interfaces.mcp.tools.schemas import wire_schema
from mcp_server.interfaces.mcp.tools.tool import Tool
from tests.pages.schema_words import allowed, table

HINTS = {
    "reads only": "read_only_hint",
    "destructive": "destructive_hint",
    "idempotent": "idempotent_hint",
    "open world": "open_world_hint",
}
"""The columns, and the annotations of the protocol behind them."""


def listed() -> str:
    """Return the text of the file from which clients are told of the tools."""
    return listing.as_text([tool.listed() for tool in TOOLS])


def instructions() -> list[str]:
    """Return what a model is told of the whole."""
    return [f"> {INSTRUCTIONS}"]


def annotations_table() -> list[str]:
    """Return what a client knows of each tool before it calls one."""
    rows = [
        (
            f"[`{tool.name}`](#{tool.name})",
            tool.title,
            *("yes" if getattr(tool.annotations, hint) else "" for hint in HINTS.values()),
        )
        for tool in TOOLS
    ]
    return table(("tool", "title", *HINTS), rows)


def tool_sections() -> list[str]:
    """Return a section for each tool: its description and its arguments."""
    return [line for tool in TOOLS for line in ("", *_section(tool))][1:]


def _section(tool: type[Tool[Any]]) -> list[str]:
    schema = wire_schema(tool.__dict__["arguments"])
    required = schema.get("required", [])
    rows = [
        (f"`{name}`", allowed(about), _said(about, required=name in required))
        for name, about in schema["properties"].items()
    ]
    arguments = table(("argument", "may be", "what it says"), rows)
    return [f"## {tool.name}", "", f"**{tool.title}.** {tool.description}", "", *arguments]


def _said(about: dict[str, Any], *, required: bool) -> str:
    """Return what is said of an argument; who reads this page is told of the unlisted ones, too."""
    unlisted = "*Taken, but not listed.* " if "unlisted" in about else ""
    return f"{'*Required.* ' * required}{unlisted}{about['description']}"


def answers() -> list[str]:
    """Return what the tools answer with, a line for each kind of answer."""
    kinds = groupby(
        sorted(TOOLS, key=lambda tool: tool.reply.__name__), key=lambda tool: tool.reply
    )
    lines: list[str] = []
    for reply, tools in kinds:
        schema = wire_schema(reply)
        who = _names(tool.name for tool in tools)
        lines.append(f"- {who}: {_members(schema)}.")
        lines += [
            f"  - {'each of ' * (inner is not about)}`{name}`: {_members(inner)}."
            for name, about in schema["properties"].items()
            if "properties" in (inner := about.get("items", about))
        ]
    return lines


def _members(schema: dict[str, Any]) -> str:
    """Return what an object always has, and what it may have."""
    always = schema.get("required", [])
    others = [name for name in schema["properties"] if name not in always]
    return "; and ".join(_names(names) for names in (always, others) if names)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


PARTS = {
    "instructions": instructions,
    "annotations": annotations_table,
    "tools": tool_sections,
    "answers": answers,
}
