"""Takes a write of ours back from a file that somebody has changed elsewhere since (P9). Pure.

Texts are kept without the form that they had in the file: how a title was quoted, which blank
lines stood at an empty body. A merge by lines of what the write replaced brings that back, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from mcp_server.content.pages.page_text import PageText
from mcp_server.content.pages.splice import is_as_asked

LINES_MAX = 2_000
"""Lines that are compared one by one; between longer stretches, all counts as one change."""


class _Hunk(NamedTuple):
    """Lines of the old text, and what stands in their place."""

    start: int
    end: int
    new: Sequence[bytes]


def undone(
    page: PageText,
    changes: Mapping[str, str | None],
    writes: Iterable[tuple[bytes, bytes]],
    *,
    since: bytes | None = None,
) -> bytes | None:
    """Return the file with one of these writes (before, after) taken back.

    `since`: the file as it was before some writes of ours. A rollback may have taken a part of that
    write back in them, and is to leave what it would have left at once. `None` if that brings other
    texts than the `changes` ask for, or changes anything else.
    """
    for before, after in writes:
        data = merged(after, before, page.data)
        if data is not None and data != page.data and is_as_asked(page, data, changes):
            return data
        data = None if since is None else merged(after, before, since)
        if data is not None and is_as_asked(page, data, changes, unmarked=True):
            return data
    return None


def merged(base: bytes, one: bytes, other: bytes) -> bytes | None:
    """Return `other` with the lines changed that differ between `base` and `one`.

    `None` if both changed the same lines, or put something in at the same place.
    """
    lines = base.splitlines(keepends=True)
    ours = list(_hunks(lines, one.splitlines(keepends=True)))
    theirs = list(_hunks(lines, other.splitlines(keepends=True)))
    if any(_collide(a, b) for a in ours for b in theirs):
        return None
    result, position = list[bytes](), 0
    for hunk in sorted([*ours, *theirs]):
        result += [*lines[position : hunk.start], *hunk.new]
        position = hunk.end
    return b"".join([*result, *lines[position:]])


def _collide(one: _Hunk, other: _Hunk) -> bool:
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    return one.start < other.end and other.start < one.end


def _hunks(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[_Hunk]:
    """Yield what differs; the lines that both begin and end with are not compared again."""
    start, most = 0, min(len(old), len(new))
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    was, now = old[start : len(old) - end], new[start : len(new) - end]
    if not was and not now:
        return
    if len(was) + len(now) > LINES_MAX:
        yield _Hunk(start, start + len(was), now)
        return
    for tag, i, j, k, m in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _Hunk(start + i, start + j, now[k:m])
