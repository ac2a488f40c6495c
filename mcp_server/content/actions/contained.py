"""Finds a text in the texts of sections. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_server.errors import InvalidPayload

BEFORE = 30
"""Characters of a text that an excerpt shows before what was looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a text stands, and the text from a little before it."""

    where: str
    excerpts: Mapping[str, str]
    """By `draft` or `live`."""


class Needle:
    """A text to look for: upper or lower case, blanks and line ends do not count; accents do."""

    def __init__(self, text: str) -> None:
        words = unicodedata.normalize("NFC", text).split()
        if not words:
            raise InvalidPayload("contains", ["write the words to look for"])
        self._lower = " ".join(words).lower()
        self._pattern = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)

    def place(self, text: str) -> int | None:
        """Return where it begins in `text`, `None` if it is not there."""
        # Without the pattern first: it takes ten times as long, and hardly any text has the words.
        if self._lower not in " ".join(text.lower().split()):
            return None
        found = self._pattern.search(text)
        return 0 if found is None else found.start()

    def found(self, draft: str | None, live: str | None) -> Found | None:
        """Return in which of the two texts it stands, `None` if in neither."""
        texts = {"draft": draft, "live": live}
        excerpts: dict[str, str] = {}
        for name, text in texts.items():
            whole = unicodedata.normalize("NFC", text or "")
            if (place := self.place(whole)) is not None:
                excerpts[name] = _from(whole, place)
        return Found(" and ".join(excerpts), excerpts) if excerpts else None


def _from(text: str, place: int) -> str:
    """Return the text from a word a little before `place`."""
    if place <= BEFORE:
        return text
    start = text.find(" ", place - BEFORE, place)
    return "… " + text[start + 1 if start >= 0 else place - BEFORE :]
