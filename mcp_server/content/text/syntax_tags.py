"""Tags in a text: of HTML, of components and of template engines in angle brackets. Pure."""

from __future__ import annotations

import re

from mcp_server.content.text.syntax_source import FAILURES_MAX, Read, Source, nothing, piece

TAG_LENGTH_MAX = 5_000
"""Characters of a tag; one that does not end by then is none. So the time stays linear."""

_WHOLE = re.compile(
    r"audio|canvas|form|iframe|math|noembed|noframes|noscript|object|picture|pre|script|select"
    r"|style|svg|table|template|textarea|title|video|xmp",
    re.IGNORECASE,
)
"""Elements that are one piece with what is in them."""
_SHORT = re.compile(
    r"<(abbr|code|kbd|samp|sub|sup|var)(?:[ \t][^<>\n]*)?>[^<>{}\n]{1,60}</\1>", re.IGNORECASE
)
"""Elements that are one piece where they are short: a key, an index."""
_COMMENTS = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>"}
_ADDRESS = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.+-]+@[\w.-]+)>")
_FRAGMENT = re.compile(r"</?>")
_NAME = re.compile(r"</?([A-Za-z][\w.:-]*)")
_PART = re.compile(r"[^\"'{<>]+")


def read_angle(source: Source, place: int) -> Read:
    """Return what begins with the `<` at `place`."""
    text = source.text
    for opening, closing in _COMMENTS.items():
        if text.startswith(opening, place):
            return source.up_to(place, closing)
    if text.startswith("<%", place):
        # "<%" can mean "less than a percentage": what is not closed is no tag.
        end = source.find("%>", place)
        return nothing(place + 1) if end < 0 else piece(place, end + 2, is_block=True)
    if source.mdx and (found := _FRAGMENT.match(text, place)):
        return piece(place, found.end(), is_block=True)
    if found := _ADDRESS.match(text, place):
        return nothing(found.end())
    found = _SHORT.match(text, place)
    return _tag(source, place) if found is None else piece(place, found.end())


def _tag(source: Source, place: int) -> Read:
    name = _NAME.match(source.text, place)
    end = None if name is None else _end_of_tag(source, name.end())
    if name is None or end is None:
        return nothing(place + 1)
    closed = source.text[end - 2] == "/" or source.text[place + 1] == "/"
    if _WHOLE.fullmatch(name[1]) and not closed:
        end = _end_of_element(source.text, name[1], end)
    return piece(place, end, is_block=True)


def _end_of_tag(source: Source, place: int) -> int | None:
    """Return where a tag ends; quotes and braces in it may hold `>`."""
    if source.failures > FAILURES_MAX:
        return None
    text, most = source.text, min(len(source.text), place + TAG_LENGTH_MAX)
    while place < most:
        match text[place]:
            case ">":
                return place + 1
            case "<":
                return None
            case "{":
                place = source.end_of_braces(place) or place + 1
            case '"' | "'" as quote:
                place = text.find(quote, place + 1, most) + 1 or place + 1
            case _:
                found = _PART.match(text, place, most)
                place = most if found is None else found.end()
    source.failures += 1
    return None


def _end_of_element(text: str, name: str, place: int) -> int:
    """Return where an element ends; one that is never closed goes on to the end."""
    found = re.compile(rf"</{re.escape(name)}\s*>", re.IGNORECASE).search(text, place)
    return len(text) if found is None else found.end()
