"""What within lines of a Markdown text is no prose: template tags, shortcodes, formulas. Pure."""

from __future__ import annotations

import re

from mcp_server.content.text.syntax_links import read_brackets, read_image
from mcp_server.content.text.syntax_source import Read, Source, nothing, piece
from mcp_server.content.text.syntax_tags import read_angle

_PAIRED = re.compile(r"code|comment|filter|highlight|mermaid|raw|verbatim")
"""Tags and shortcodes that are one piece with what is in them."""
_ATTRIBUTES = re.compile(
    r"\{:{1,2}[^{}\n]*\}|\{([*!])[^{}\n]*\1\}|\{#[\w:.-]{1,80}\}"
    r"|\{[ \t]*(?:[#.][\w:.-]+|[\w:-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s{}]+))"
    r"(?:[ \t]+(?:[#.]?[\w:.-]+|[\w:-]+=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s{}]+)))*[ \t]*\}"
)
"""`{: .x}`, `{#id}`, `{ .class key=value }`; `{* file *}` and `{! file !}` of macros"""
_SHORTCODE = re.compile(r"\{\{([<%])-?\s*([\w./-]*)")
_TAG = re.compile(r"\{%[-+]?\s*(\w*)")
_TICKS = re.compile(r"`+")
_EXECUTED = re.compile(r"\{[{%]")
_ESCAPED = frozenset("\\`{<[!$]")


def read_span(source: Source, place: int) -> Read:
    """Return what begins at `place`, where one of the signs of syntax stands."""
    match source.text[place]:
        case "{":
            return _braces(source, place)
        case "<":
            return read_angle(source, place)
        case "[":
            return read_brackets(source, place)
        case "!":
            return read_image(source, place)
        case _:
            return _sign(source, place)


def _sign(source: Source, place: int) -> Read:
    match source.text[place]:
        case "\\":
            return _escaped(source.text, place)
        case "`":
            return _code(source, place)
        case _:
            return _formula(source, place)


def _escaped(text: str, place: int) -> Read:
    # Generators read their tags whatever stands before them.
    plain = text[place + 1 : place + 2] in _ESCAPED and not _EXECUTED.match(text, place + 1)
    return nothing(place + 2 if plain else place + 1)


def _code(source: Source, place: int) -> Read:
    """Read a code span: it stays in the text, unless a generator reads tags in it."""
    ticks = _TICKS.match(source.text, place)
    assert ticks is not None, "a backtick stands there"
    close = re.compile(rf"(?<!`){ticks[0]}(?!`)")
    found = close.search(source.text, ticks.end(), source.end_of_paragraph(place))
    if found is None:
        return nothing(ticks.end())
    executed = _EXECUTED.search(source.text, place, found.end())
    return nothing(found.end()) if executed is None else piece(place, found.end())


def _formula(source: Source, place: int) -> Read:
    end = source.text.find("$$", place + 2, source.end_of_paragraph(place))
    return nothing(place + 2) if end < 0 else piece(place, end + 2, is_block=True)


def _braces(source: Source, place: int) -> Read:
    text = source.text
    if found := _SHORTCODE.match(text, place):
        return _shortcode(source, found)
    if source.mdx:
        end = source.end_of_braces(place)
        return nothing(place + 1) if end is None else piece(place, end, is_block=True)
    if text.startswith("{{", place):
        close = "}}}" if text.startswith("{{{", place) else "}}"
        return source.up_to(place, close, is_block=False)
    if found := _TAG.match(text, place):
        return _tag(source, found)
    return _small_braces(source, place)


def _small_braces(source: Source, place: int) -> Read:
    if found := _ATTRIBUTES.match(source.text, place):
        return piece(place, found.end(), is_block=True)
    if source.text.startswith("{#", place):
        return source.up_to(place, "#}")
    return nothing(place + 1)


def _shortcode(source: Source, begun: re.Match[str]) -> Read:
    """Read a shortcode of Hugo, with what is in it where that is code."""
    mark, name = begun[1], begun[2]
    close = ">}}" if mark == "<" else "%}}"
    after = None
    if _PAIRED.fullmatch(name):
        after = source.end_of(rf"\{{\{{{mark}-?\s*/\s*{name}\b", begun.end())
    return source.up_to(begun.start(), close, after=after)


def _tag(source: Source, begun: re.Match[str]) -> Read:
    """Read a tag of Liquid or Jinja, with what is in it where that is code or a comment."""
    after = None
    if _PAIRED.fullmatch(begun[1]):
        after = source.end_of(rf"\{{%[-+]?\s*end{begun[1]}\b", begun.end())
    return source.up_to(begun.start(), "%}", after=after)
