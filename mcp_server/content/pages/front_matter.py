"""The front matter of a page's file, read by line: where it is, and what its keys hold. Pure.

YAML is never loaded and dumped, which would change most files. Only a value of several lines is
given to a YAML reader, alone, and read as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple, cast

from mcp_server.content.pages.layout import Blocked, MarkStyle
from mcp_server.content.pages.yaml_value import read

_YAML_FENCE = re.compile(rb"---(?:[ \t]+\#[^\n]*|[ \t]*)(?:\n|\Z)")
_YAML_END = re.compile(rb"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_OTHER_FENCE = re.compile(rb"(?:(\+\+\+|;;;)|---[ \t]*(?:json|toml|js|javascript))[ \t]*\n")
_OTHER_END = {
    fence: re.compile(rb"^" + re.escape(fence) + rb"[ \t]*(?:\n|\Z)", re.MULTILINE)
    for fence in (b"+++", b";;;", b"---")
}
_JSON_START = re.compile(rb"\{[ \t]*[\"\n]")
_BLANKS = re.compile(rb"[ \t\n]*")
_ANY_FENCE = re.compile(rb"(---|\+\+\+)(?:[ \t][^\n]*)?(?:\n|\Z)")
"""Some generators pass over blanks before it, and over what stands behind it."""
_KEY = re.compile(
    rb"^(?P<name>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'"
    rb"|(?![-?:][ \t\n])[^\s\#\[\]{},&*!|>'\"%@`]"
    rb"(?:[^ \t\n:]++|:(?![ \t\n]|\Z)|[ \t]++(?!:(?:[ \t\n]|\Z)))*+)"
    rb"[ \t]*+:(?:[ \t]+|(?=\n)|\Z)",
    re.MULTILINE,
)
_PLAIN = re.compile(
    rb"(?P<value>[^\s\#\"'\[\]{}&*!|>](?:[^ \t\n]++|[ \t]++(?![\#\n]|\Z))*+)?"
    rb"(?:(?:^|[ \t]++)\#[^\n]*+)?[ \t]*+\n?\Z"
)
_DOUBLE = re.compile(rb"\"(?P<value>[^\"\\\n]*)\"(?:[ \t]+\#[^\n]*)?[ \t]*\n?\Z")
_SINGLE = re.compile(rb"'(?P<value>(?:[^'\n]|'')*)'(?:[ \t]+\#[^\n]*)?[ \t]*\n?\Z")
_BLOCK = re.compile(rb"[|>][-+0-9]*[ \t]*(?:\#[^\n]*)?\n")
_LOOSE = re.compile(rb"[ \t]*(?:\#[^\n]*)?(?:\n|\Z)")
_LOOSE_IN_BLOCK = re.compile(rb"(?:[ \t]*|\#[^\n]*)(?:\n|\Z)")
_QUOTED = re.compile(rb"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'", re.DOTALL)
_SIGNS = rb"(?<=[\[{,:\s])'(?:[^']|'')*'|[\[\]{}]|[ \t]\#[^\n]*"
_FLOW = re.compile(rb"\"(?:[^\"\\]|\\.?)*+(?:\"|(?P<lone>\Z))|" + _SIGNS, re.DOTALL)
_FLOW_UNQUOTED = re.compile(_SIGNS, re.DOTALL)
"""Behind a double quotation mark that nothing closes, which stands for itself."""
UNCLOSED_MAX = 16
"""Values that are looked for to the end of the front matter, which would close them nowhere."""
_NO_SCALAR = re.compile(
    rb"[&*!\[{]|[ \t]*(?:\#[^\n]*)?\n(?:[ \t]*(?:\#[^\n]*)?\n)*[ \t]*(?:-[ \t\n]|[\[{&*!])"
)
_CONTENT = re.compile(rb"^(?![ \t]*(?:\#[^\n]*)?$)", re.MULTILINE)
_REST = re.compile(rb"[ \t]*(?:\n|\Z)")
_HEADER = re.compile(rb"(?:[\w-]+:[^\n]*(?:\n|\Z)(?:[ \t]{4,}\S[^\n]*(?:\n|\Z))*)+")
_HEADER_TITLE = re.compile(rb"^title:([^\n]*)$", re.MULTILINE | re.IGNORECASE)
_TOML_TITLE = re.compile(rb"^title[ \t]*=[ \t]*(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')", re.MULTILINE)


ONLY_YAML = "only keys of YAML at the margin are edited"
"""Why the others are kept as they are."""


class FrontStyle(StrEnum):
    """What a front matter is written in; only the keys of YAML can be edited."""

    YAML = "YAML"
    TOML = "TOML"
    JSON = "JSON"
    OTHER = "YAML of another form"
    """It is indented, in braces, or no mapping: its keys are not at the margin."""
    HEADER = "a header without fences"
    """Lines such as `Title: …` at the very beginning, as Pelican and MkDocs have them."""


class FrontKey(NamedTuple):
    """A key of the front matter and the lines that hold it, without blank lines after them."""

    name: str
    start: int
    value: int
    """Where its value begins, or would."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """Where the front matter is; the page's body begins at `body`."""

    style: FrontStyle
    start: int
    """Where its lines begin, after the one that opens it."""
    end: int
    """Where the line begins that closes it."""
    body: int
    keys: tuple[FrontKey, ...] = ()
    """Those at the top level of YAML."""
    title: str = ""

    def key(self, name: str) -> FrontKey | None:
        """Return the key of this name; of two, the first."""
        return next((key for key in self.keys if key.name == name), None)


def find_front(
    data: bytes, scan: bytes, start: int, marks: MarkStyle
) -> FrontMatter | Blocked | None:
    """Return the front matter that begins at `start`, if one does.

    `scan` is `data` with its line ends levelled. One that is opened and never closed is blocked.
    In MDX, a brace begins an expression, and no JSON.
    """
    if opening := _YAML_FENCE.match(scan, start):
        return _fenced(data, scan, opening.end(), FrontStyle.YAML, _YAML_END)
    if opening := _OTHER_FENCE.match(scan, start):
        toml = opening[1] == b"+++" or b"toml" in opening[0]
        style = FrontStyle.TOML if toml else FrontStyle.JSON
        return _fenced(data, scan, opening.end(), style, _OTHER_END[opening[1] or b"---"])
    if marks is not MarkStyle.MDX and _JSON_START.match(scan, start):
        return _json_front(scan, start)
    if _is_strange(scan, start, marks):
        at = scan.count(b"\n", 0, _after_blanks(scan, start)) + 1
        return Blocked("it has front matter that begins in a way we do not know", at)
    return None if marks is MarkStyle.MDX else _header(scan, start)


def opens_front(scan: bytes, start: int, marks: MarkStyle) -> bool:
    """Whether what begins at `start` is opened like a front matter; blanks before it do not count.

    Whether it is closed, too, generators see to when they build the site, and fail.
    """
    at = _after_blanks(scan, start)
    json_opens = marks is not MarkStyle.MDX and _JSON_START.match(scan, at)
    return bool(_ANY_FENCE.match(scan, at) or json_opens)


def _is_strange(scan: bytes, start: int, marks: MarkStyle) -> bool:
    """Whether some generators find a front matter there, where we know none."""
    if not opens_front(scan, start, marks):
        return False
    at = _after_blanks(scan, start)
    if opening := _ANY_FENCE.match(scan, at):
        return _OTHER_END[opening[1]].search(scan, opening.end()) is not None
    return isinstance(_json_front(scan, at), FrontMatter)


def _after_blanks(scan: bytes, start: int) -> int:
    found = _BLANKS.match(scan, start)
    return found.end() if found else start


def scalar(data: bytes, key: FrontKey) -> str | None:
    """Return the key's value as text, as it is written there.

    Nothing (`key:`) is an empty text; a date and a number are texts here. `None` if it is a list or
    a mapping, has an anchor, an alias or a tag, or cannot be read.
    """
    raw = unix(data[key.value : key.end])
    for pattern in (_PLAIN, _DOUBLE, _SINGLE):
        if match := pattern.match(raw):
            value = (match["value"] or b"").decode()
            return value.replace("''", "'") if pattern is _SINGLE else value
    value = None if _NO_SCALAR.match(raw) else read(raw.decode())
    return value if isinstance(value, str) else None


def unix(data: bytes) -> bytes:
    """Return `data` with LF for every line end."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _fenced(
    data: bytes, scan: bytes, start: int, style: FrontStyle, closing: re.Pattern[bytes]
) -> FrontMatter | Blocked:
    end = closing.search(scan, start)
    if end is None:
        return Blocked("its front matter never closes", 1)
    front = FrontMatter(style=style, start=start, end=end.start(), body=end.end())
    if style is FrontStyle.YAML:
        return _with_keys(data, scan, front)
    return _with_title(scan, front)


def _with_keys(data: bytes, scan: bytes, front: FrontMatter) -> FrontMatter:
    keys = tuple(_keys(scan, front.start, front.end))
    content = _CONTENT.search(scan, front.start, front.end)
    if content and (not keys or content.start() < keys[0].start):
        return replace(front, style=FrontStyle.OTHER)
    front = replace(front, keys=keys)
    title = front.key("title")
    return replace(front, title=(title and scalar(data, title)) or "")


def _with_title(scan: bytes, front: FrontMatter) -> FrontMatter:
    found = _TOML_TITLE.search(scan, front.start, front.end)
    if front.style is not FrontStyle.TOML or found is None:
        return front
    raw = found[1].decode()
    try:
        return replace(front, title=raw[1:-1] if raw[0] == "'" else str(json.loads(raw)))
    except ValueError:
        return replace(front, title=raw[1:-1])


def _json_front(scan: bytes, start: int) -> FrontMatter | Blocked:
    text = scan[start:].decode()
    try:
        values, length = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return Blocked("its front matter cannot be read as JSON", 1)
    end = start + len(text[:length].encode())
    closing = _REST.match(scan, end)
    if closing is None:
        return Blocked("its front matter goes on behind the closing brace", 1)
    title = str(cast("dict[str, Any]", values).get("title") or "")
    return FrontMatter(style=FrontStyle.JSON, start=start, end=end, body=closing.end(), title=title)


def _header(scan: bytes, start: int) -> FrontMatter | None:
    header = _HEADER.match(scan, start)
    title = _HEADER_TITLE.search(header[0]) if header else None
    if header is None or title is None:
        return None
    return FrontMatter(
        style=FrontStyle.HEADER,
        start=start,
        end=header.end(),
        body=header.end(),
        title=title[1].strip(b" \t").decode(),
    )


def _keys(scan: bytes, start: int, end: int) -> Iterator[FrontKey]:
    """Yield the keys of a mapping whose lines stand between `start` and `end`."""
    match = _KEY.search(scan, start, end)
    unclosed = 0
    while match:
        name, value = match["name"], match.end()
        closed = _value_end(scan, value, end) if unclosed < UNCLOSED_MAX else value
        unclosed += closed is None
        match = _KEY.search(scan, closed or value, end)
        beyond = match.start() if match else end
        bare = name[1:-1] if name[:1] in {b'"', b"'"} else name
        key_start = scan.rfind(b"\n", 0, value - 1) + 1
        yield FrontKey(bare.decode(), max(key_start, start), value, _trimmed(scan, value, beyond))


def _value_end(scan: bytes, start: int, end: int) -> int | None:
    """Return where the quoted text or the flow collection at `start` ends, `None` if nowhere.

    Some readers let its lines begin at the margin, where they would look like keys. Another value
    is `start` itself.
    """
    opening = scan[start : start + 1]
    if opening in {b'"', b"'"}:
        found = _QUOTED.match(scan, start, end)
        return found.end() if found else None
    if opening not in {b"[", b"{"}:
        return start
    depth = 0
    for found in _flow(scan, start, end):
        depth += (found[0] in {b"[", b"{"}) - (found[0] in {b"]", b"}"})
        if depth == 0:
            return found.end()
    return None


def _flow(scan: bytes, start: int, end: int) -> Iterator[re.Match[bytes]]:
    """Yield the brackets of a flow collection, and the quoted texts and comments in it."""
    for found in _FLOW.finditer(scan, start, end):
        if found["lone"] is not None:
            yield from _FLOW_UNQUOTED.finditer(scan, found.start() + 1, end)
            return
        yield found


def _trimmed(scan: bytes, value: int, beyond: int) -> int:
    """Return where a key's lines end; blank lines and comments after its value are nobody's.

    In a block scalar, what is indented is text, and `+` keeps the blank lines.
    """
    header = _BLOCK.match(scan, value, beyond)
    if header and b"+" in header[0].partition(b"#")[0]:
        return beyond
    first = scan.find(b"\n", value, beyond) + 1 or beyond
    loose = _LOOSE_IN_BLOCK if header else _LOOSE
    end = beyond
    while end > first:
        start = scan.rfind(b"\n", first - 1, end - 1) + 1
        if not loose.match(scan, start, end):
            break
        end = start
    return end
