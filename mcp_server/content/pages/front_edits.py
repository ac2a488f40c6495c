"""Edits to the keys of a front matter in YAML, line by line: all else stays byte for byte. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mcp_server.content.pages.edits import Edit
from mcp_server.content.pages.front_matter import FrontKey, FrontMatter
from mcp_server.content.pages.outline import levelled
from mcp_server.content.pages.yaml_value import key_yaml

_ONE_LINE = re.compile(
    rb"(?P<value>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'|(?![\"'|>\#])[^\n]*?|(?=\#))"
    rb"(?:(?:^|[ \t]+)\#[^\n]*)?[ \t]*\n?\Z"
)


def front_edits(
    data: bytes,
    front: FrontMatter,
    values: Mapping[str, str | None],
    order: Sequence[str],
    end: str,
) -> Iterator[Edit]:
    """Yield the edits that give the keys these values, written in YAML; `None` removes a key.

    A key that is new comes after the one before it in `order`, else before the one after it, else
    last. `end` is the file's line end. A comment behind a value of one line stays.
    """
    scan = levelled(data)
    new: list[str] = []
    for name, value in values.items():
        if (key := front.key(name)) is None:
            new += [name] if value is not None else []
        elif value is None:
            yield Edit(key.start, key.end, b"")
        else:
            yield _replaced(data, scan, key, value, end)
    for name in sorted(new, key=lambda name: order.index(name) if name in order else len(order)):
        line = f"{key_yaml(name)}: {values[name]}\n".replace("\n", end).encode()
        place = _place(scan, front, name, order)
        yield Edit(place, place, line)


def new_front(values: Mapping[str, str], end: str) -> bytes:
    """Return a front matter with these values, which are written in YAML."""
    lines = "".join(f"{key_yaml(name)}: {value}\n" for name, value in values.items())
    return f"---\n{lines}---\n".replace("\n", end).encode()


def _replaced(data: bytes, scan: bytes, key: FrontKey, value: str, end: str) -> Edit:
    found = _ONE_LINE.match(scan[key.value : key.end])
    start, stop = key.value, _without_line_end(data, key.end)
    if found and "\n" not in value:
        start, stop = key.value + found.start("value"), key.value + found.end("value")
    before = " " if data[start - 1 : start] == b":" else ""
    behind = " " if data[stop : stop + 1] == b"#" else ""
    return Edit(start, stop, (before + value.replace("\n", end) + behind).encode())


def _without_line_end(data: bytes, end: int) -> int:
    for one in (b"\r\n", b"\n", b"\r"):
        if data.endswith(one, 0, end):
            return end - len(one)
    return end


def _place(scan: bytes, front: FrontMatter, name: str, order: Sequence[str]) -> int:
    at = order.index(name) if name in order else len(order)
    for before in reversed(order[:at]):
        if key := front.key(before):
            return key.end
    for after in order[at:]:
        if key := front.key(after):
            return _above_comments(scan, key.start, front.start)
    return front.end


def _above_comments(scan: bytes, start: int, floor: int) -> int:
    """Return where the comment begins that belongs to the line at `start`."""
    while start > floor:
        line = scan.rfind(b"\n", floor, start - 1) + 1 or floor
        if not scan.startswith(b"#", line):
            break
        start = line
    return start
