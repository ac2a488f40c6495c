"""What the pages of an existing site are like, file by file. Pure; nothing is kept of the texts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_server.content.pages.front_matter import FrontMatter, FrontStyle, scalar
from mcp_server.content.pages.layout import Blocked, Layout, Part
from mcp_server.content.pages.page_text import parse, plain_text

DAYS = ("publishDate", "date", "pubDate", "publish_date")
"""Keys that say when a page is to appear; the first that is there counts."""
LANGUAGE_KEYS = ("lang", "language", "locale")
DESCRIPTION_KEYS = ("description", "summary", "excerpt", "subtitle")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HEADER_LINE = re.compile(r"([A-Za-z][\w-]*):[ \t]*(.*)")
_HEADING = re.compile(
    r"\A(?:<!--.*?-->\s*|import [^\n]*\n\s*)*+(?:# \S|[^\n]+\n=+[ \t]*$)",
    re.MULTILINE | re.DOTALL,
)
"""A text that begins with a first-level heading: to many generators, the page's title."""
_BODY = (Part(section="body"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one page's file is like."""

    path: str
    style: FrontStyle | None = None
    """What its front matter is written in; `None` without one."""
    keys: frozenset[str] = frozenset()
    titled: bool = False
    """Whether its front matter has a title, or its text begins with one."""
    language: str = ""
    """What its front matter says."""
    draft: bool = False
    future: bool = False
    """Whether its date has yet to come."""
    problem: Blocked | None = None
    """Why it cannot be worked on."""


def _body(data: bytes, front: FrontMatter | None) -> str:
    """Return what follows the front matter, marks and all."""
    return plain_text(data[front.body if front else 0 :].decode("utf-8-sig"))


def look_at(path: str, data: bytes, today: str) -> Seen:
    """Return what a page's file is like; `today` is a day as `2026-11-30`."""
    found = parse(data, Layout(page="page", file=path, parts=_BODY))
    if isinstance(found, Blocked):
        return Seen(path=path, problem=found)
    front = found.front
    said = _said(data, front) if front is not None else dict[str, str]()
    day = next((said[key] for key in DAYS if key in said), path.rpartition("/")[2])
    return Seen(
        path=path,
        style=front.style if front else None,
        keys=frozenset(said),
        titled=bool(said.get("title")) or _HEADING.search(_body(data, front)) is not None,
        language=next((said[key] for key in LANGUAGE_KEYS if said.get(key)), ""),
        draft=_is_draft(path, said),
        future=_DAY.match(day) is not None and day[:10] > today,
    )


def _said(data: bytes, front: FrontMatter) -> Mapping[str, str]:
    """Return what the front matter says at its top level, as texts; "" for what is none."""
    if front.style is FrontStyle.YAML:
        return {key.name: scalar(data, key) or "" for key in front.keys}
    if front.style is FrontStyle.HEADER:
        return _header(data[front.start : front.end])
    toml = front.style is FrontStyle.TOML
    said: Mapping[str, Any] = _toml(data[front.start : front.end]) if toml else {}
    return {**{key: str(value) for key, value in said.items()}, "title": front.title}


def _toml(lines: bytes) -> Mapping[str, Any]:
    try:
        return tomllib.loads(lines.decode().replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        return {}


def _header(lines: bytes) -> Mapping[str, str]:
    """Return what lines such as `Title: …` say, under keys in small letters."""
    found = map(_HEADER_LINE.fullmatch, lines.decode().splitlines())
    return {line[1].lower(): line[2].rstrip() for line in found if line is not None}


def _is_draft(path: str, said: Mapping[str, str]) -> bool:
    return (
        said.get("draft", "").lower() == "true"
        or said.get("published", "").lower() == "false"
        or said.get("status", "").lower() in {"draft", "hidden"}
        or "_drafts" in path.split("/")[:-1]
    )
