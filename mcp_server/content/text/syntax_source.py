"""One text that syntax is looked for in: how far its paragraphs, braces and brackets go. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

BRACES_LENGTH_MAX = 5_000
"""Characters between braces. What is not closed by then is no expression: so the time that all
places of a text take stays linear."""
FAILURES_MAX = 200
"""Braces and tags that are not closed, after which no more are looked at: no site has as many."""

_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: a span (none where it is empty), and where reading goes on."""

    start: int
    end: int
    goes_on: int
    is_block: bool = False
    """Whether it needs its line to itself, where it has that."""


def nothing(goes_on: int) -> Read:
    """Return that there is no syntax."""
    return Read(goes_on, goes_on, goes_on)


def piece(start: int, end: int, *, is_block: bool = False) -> Read:
    """Return that there is some."""
    return Read(start, end, end, is_block)


class Source:
    """A text of which places are looked at in their order."""

    def __init__(self, text: str, *, mdx: bool) -> None:
        self.text, self.mdx = text, mdx
        self._none_after: dict[str, int] = {}
        self._paragraph_start = self._paragraph_end = 0
        self._pairs: dict[str, tuple[int, dict[int, int]]] = {}
        self.failures = 0

    def up_to(
        self, place: int, close: str, *, after: int | None = None, is_block: bool = True
    ) -> Read:
        """Read up to the closing mark; what is never closed goes on to the end.

        `content.text.hazards` takes it so too: then it is the same in the text that is redrafted.
        """
        end = self.find(close, place + 2 if after is None else after)
        end = len(self.text) if end < 0 else end + len(close)
        return piece(place, end, is_block=is_block)

    def find(self, close: str, place: int) -> int:
        """Return where `close` stands next; that there is none is looked for only once."""
        if self._none_after.get(close, len(self.text)) <= place:
            return -1
        found = self.text.find(close, place)
        if found < 0:
            self._none_after[close] = place
        return found

    def end_of(self, pattern: str, place: int) -> int | None:
        """Return where the next match of `pattern` ends, `None` if there is none; as `find`."""
        if self._none_after.get(pattern, len(self.text)) <= place:
            return None
        found = re.compile(pattern).search(self.text, place)
        if found is None:
            self._none_after[pattern] = place
        return None if found is None else found.end()

    def end_of_paragraph(self, place: int) -> int:
        """Return where the paragraph ends that `place` is in."""
        if place >= self._paragraph_end:
            found = _BLANK_LINE.search(self.text, place)
            self._paragraph_start = place
            self._paragraph_end = len(self.text) if found is None else found.start() + 1
        return self._paragraph_end

    def end_of_braces(self, place: int) -> int | None:
        """Return where the braces that open at `place` are closed, `None` if they are not."""
        if self.failures > FAILURES_MAX:
            return None
        text, most, depth = self.text, min(len(self.text), place + BRACES_LENGTH_MAX), 0
        while place < most:
            match text[place]:
                case "{":
                    depth += 1
                case "}":
                    depth -= 1
                    if depth == 0:
                        return place + 1
                case '"' | "`" as quote:
                    end = text.find(quote, place + 1, most)
                    place = place if end < 0 else end
                case "/" if text.startswith("/*", place):
                    end = text.find("*/", place + 2, most)
                    place = place if end < 0 else end + 1
                case _:
                    pass
            place += 1
        self.failures += 1
        return None

    def end_of_brackets(self, place: int, pair: str = "[]") -> int | None:
        """Return where a bracket is closed within its paragraph, `None` if it is not."""
        end = self.end_of_paragraph(place)
        if self._pairs.get(pair, (0, {}))[0] != end:
            self._pairs[pair] = (end, _pairs_in(self.text, self._paragraph_start, end, pair))
        return self._pairs[pair][1].get(place)


def _pairs_in(text: str, place: int, end: int, pair: str) -> dict[int, int]:
    """Return where each bracket in a part of a text is closed."""
    opened, pairs = list[int](), dict[int, int]()
    while place < end:
        letter = text[place]
        if letter == "\\":
            place += 1
        elif letter == pair[0]:
            opened.append(place)
        elif letter == pair[1] and opened:
            pairs[opened.pop()] = place + 1
        place += 1
    return pairs
