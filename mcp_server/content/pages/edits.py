"""Changes to the bytes of a file: each says what it replaces, and nothing else is touched. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Edit(NamedTuple):
    """The bytes from `start` to `end` become `new`."""

    start: int
    end: int
    new: bytes


def applied(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return `data` with the edits made. What is put in at one place comes in the order given."""
    parts: list[bytes] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: edit[:2]):
        assert edit.start >= position, "no edit is made inside another"
        parts += [data[position : edit.start], edit.new]
        position = edit.end
    return b"".join([*parts, data[position:]])


def line_end(data: bytes, default: str = "\n") -> str:
    """Return the line end that most lines of `data` have, `default` where there is none."""
    windows = data.count(b"\r\n")
    counts = {"\n": data.count(b"\n") - windows, "\r\n": windows, "\r": data.count(b"\r") - windows}
    best = max(counts, key=lambda end: counts[end])
    return best if counts[best] else default
