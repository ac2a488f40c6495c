"""Which lines of an MDX page stand inside an element: a heading there divides no page. Pure."""

from __future__ import annotations

import re

TAG_LINE = rb"(?P<tag_line>[ \t]*</?(?:[A-Za-z]|>))"
_TAG = re.compile(
    rb"<(?P<close>/?)(?P<name>[A-Za-z][\w.:-]*|(?=>))"
    rb"(?:\"[^\"]*\"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\}|[^<>\"'{}/]|/(?!>))*(?P<alone>/?)>"
)


class OpenElements:
    """Follows the elements that begin or end in lines with a tag in front."""

    def __init__(self) -> None:
        self._open: list[tuple[bytes, int]] = []
        self._count = 0

    def now(self) -> frozenset[int]:
        """Return the elements that are open here; in the end, those that are never closed."""
        return frozenset(number for _, number in self._open)

    def line(self, scan: bytes, position: int) -> None:
        """Take in the tags of the line at `position`, and of those that its tags go on into."""
        end = _line_end(scan, position)
        while (start := scan.find(b"<", position, end)) >= 0:
            tag = _TAG.match(scan, start)
            if tag is None:
                position = start + 1
                continue
            self._take(tag)
            position = tag.end()
            end = max(end, _line_end(scan, position))

    def _take(self, tag: re.Match[bytes]) -> None:
        if tag["close"]:
            names = [name for name, _ in self._open]
            if tag["name"] in names:
                del self._open[len(names) - 1 - names[::-1].index(tag["name"]) :]
        elif not tag["alone"]:
            self._count += 1
            self._open.append((tag["name"], self._count))


def _line_end(scan: bytes, position: int) -> int:
    end = scan.find(b"\n", position)
    return len(scan) if end < 0 else end
