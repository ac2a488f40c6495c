"""A text while it is read: its letters, its languages, and the word before a place. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.words import GERMAN, MONTHS, WEEKDAYS

GAP = "[ \\t\u00a0\u202f\u2009]"
"""What stands between two words of a line."""
MONTH_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
DAY_NAMES = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_JOINED_NAMES = re.compile(
    rf"(?<!\w)((?:{DAY_NAMES}|{MONTH_NAMES})\.?)-(?=(?:{DAY_NAMES}|{MONTH_NAMES})\b)"
)
"""A range of days or months that is written as one word: `Mo-Fr`."""


class Reading:
    """A text, in lower case as well, and the last word that was read of it."""

    def __init__(self, text: str, languages: tuple[str, ...]) -> None:
        self.text, self.languages = text, languages
        self.lower = _JOINED_NAMES.sub(r"\1–", _lowered(text))
        self.word, self.word_end = "", -9

    @property
    def is_german(self) -> bool:
        """Whether it can only be German, where nouns have a capital."""
        return self.languages == (GERMAN,)

    def preceding(self, start: int) -> str:
        """Return the word just before a place, "" where something else stands between."""
        gap = start - self.word_end
        between = self.lower[self.word_end : start] if 0 <= gap <= 3 else "?"
        return self.word if not between.strip(" .:\u00a0\u202f(") else ""


def _lowered(text: str) -> str:
    """Return `text` in lower case, letter by letter, so that places stay the same."""
    lowered = text.lower()
    return (
        lowered
        if len(lowered) == len(text)
        else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
    )
