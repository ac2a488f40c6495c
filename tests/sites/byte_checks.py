"""What may differ between two states of a page's file, told without any of the product's code."""

from __future__ import annotations

import re
from collections.abc import Sequence

BOM = b"\xef\xbb\xbf"
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?(?:[A-Za-z_-]+:[^\n]*\n)+")
"""What Pelican's pages begin with where they have no fences."""
_KEY = rb"""["']?(?:%s)["']?[ \t]*:"""


def halves(data: bytes) -> tuple[bytes, bytes]:
    """Return the front matter with its fences, a BOM before it, and what follows."""
    lines = data.removeprefix(BOM).splitlines(keepends=True)
    fence = lines[0].rstrip() if lines else b""
    if fence not in {b"---", b"+++"}:
        header = _HEADER.match(data)
        end = header.end() if header and b"title:" in header[0].lower() else 0
        return data[:end], data[end:]
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in {fence, b"..."}:
            at = len(data) - len(data.removeprefix(BOM)) + sum(map(len, lines[: number + 1]))
            return data[:at], data[at:]
    return b"", data


def only_body_differs(old: bytes, new: bytes) -> bool:
    """Whether the bodies alone differ, and have the same blank lines around them."""
    (front, was), (front_now, now) = halves(old), halves(new)
    if not was and front_now.rstrip(b"\r\n") == front:
        return True  # a file that ended at the fence
    if front != front_now:
        return False
    if not was.strip():
        return True
    return _edges(was) == _edges(now)


def only_keys_differ(old: bytes, new: bytes, keys: Sequence[str]) -> bool:
    """Whether only lines of these keys of the front matter differ."""
    (front, was), (front_now, now) = halves(old), halves(new)
    if not front:
        return now.lstrip().removeprefix(BOM) == was.removeprefix(BOM).lstrip()
    return was == now and _without(front, keys) == _without(front_now, keys)


def _edges(body: bytes) -> tuple[bytes, bytes]:
    return _blank_start(body), bytes(reversed(_blank_start(bytes(reversed(body)))))


def _blank_start(data: bytes) -> bytes:
    found = re.match(rb"\s*(?=\S)", data.removeprefix(BOM))
    blank = found[0] if found else b""
    # The first line's own indentation belongs to the text.
    return blank[: max(blank.rfind(b"\n"), blank.rfind(b"\r")) + 1]


def _without(front: bytes, keys: Sequence[str]) -> list[bytes]:
    key = re.compile(_KEY % "|".join(keys).encode())
    kept: list[bytes] = []
    inside = False
    for line in front.splitlines():
        if key.match(line):
            inside = True
        elif inside and not line[:1].isspace() and line.strip():
            inside = False
        if not inside and line.strip():
            kept.append(line)
    return kept
