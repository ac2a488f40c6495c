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
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[A-Za-z][\w-]*:[ \t]*\S")
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
    header: bool = False
    """Whether it begins with lines such as `Title: …` without a fence, as Pelican has them."""
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


def look_at(path: str, data: bytes, today: str) -> Seen:
    """Return what a page's file is like; `today` is a day as `2026-11-30`."""
    found = parse(data, Layout(page="page", file=path, parts=_BODY))
    if isinstance(found, Blocked):
        return Seen(path=path, problem=found)
    front, header = found.front, False
    if front is not None:
        said = _said(data, front)
    else:
        said = _header(data)
        header = "title" in said
    day = next((said[key] for key in DAYS if key in said), path.rpartition("/")[2])
    return Seen(
        path=path,
        style=front.style if front else None,
        header=header,
        keys=frozenset(said),
        titled=bool(said.get("title")) or _has_heading(data, front),
        language=next((said[key] for key in LANGUAGE_KEYS if said.get(key)), ""),
        draft=_is_draft(path, said),
        future=_DAY.match(day) is not None and day[:10] > today,
    )


def _has_heading(data: bytes, front: FrontMatter | None) -> bool:
    """Whether the page begins with a heading, which a mark may stand before."""
    body = data[front.body if front else 0 :].decode("utf-8-sig")
    return _HEADING.search(plain_text(body)) is not None


def _said(data: bytes, front: FrontMatter) -> Mapping[str, str]:
    """Return what the front matter says at its top level, as texts; "" for what is none."""
    if front.style is FrontStyle.YAML:
        return {key.name: scalar(data, key) or "" for key in front.keys}
    toml = front.style is FrontStyle.TOML
    said: Mapping[str, Any] = _toml(data[front.start : front.end]) if toml else {}
    return {**{key: str(value) for key, value in said.items()}, "title": front.title}


def _toml(lines: bytes) -> Mapping[str, Any]:
    try:
        return tomllib.loads(lines.decode().replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        return {}


def _header(data: bytes) -> Mapping[str, str]:
    """Return what lines such as `Title: …` say at the very beginning, in small letters."""
    said: dict[str, str] = {}
    if not _HEADER.match(data):
        return said
    for line in data[:4_000].decode("utf-8-sig", "replace").splitlines():
        found = _HEADER_LINE.fullmatch(line.rstrip())
        if found is None:
            break
        said[found[1].lower()] = found[2]
    return said


def _is_draft(path: str, said: Mapping[str, str]) -> bool:
    return (
        said.get("draft", "").lower() == "true"
        or said.get("published", "").lower() == "false"
        or said.get("status", "").lower() in {"draft", "hidden"}
        or "_drafts" in path.split("/")[:-1]
    )
