"""Texts as an index of words takes them, and questions as it is asked. Pure.

Chinese, Japanese and Korean are written without blanks: a run of their letters is indexed as its
overlapping pairs, as Lucene's CJK analyzer does. (FTS5's own trigrams would miss words of two
letters, which most of theirs are.) Its last letter is there once more, by itself: so each letter
begins something, and is found alone.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice

CJK = (
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003134f"
)
_CJK_RUN = re.compile(f"[{CJK}]+")
_WORD = re.compile(r"[^\W_]+")
_SIGNS = re.compile("[\u0300-\u036f]+")
_LIGATURES = str.maketrans({"ß": "ss", "œ": "oe", "æ": "ae"})
_HEADING = re.compile(r"^(?:#{1,6}[ \t]+|title:[ \t]*)(\S.*)$", re.MULTILINE)
_PARTS = re.compile(r"[^\W\d_]+|\d+")

INDEXED_MAX = 200_000
"""Characters of a text that are indexed: what is beyond is found by its meaning only."""
HEADINGS_MAX = 20
"""Headings of a text whose words count for more."""
ASKED_MAX = 32
"""Words of a question that are looked for. Nobody's question has more; a pasted page does."""


def indexed(text: str) -> str:
    """Return the words of a text as they go into the index: those of its headings, then all.

    Each stands between blanks, in lower case and without accents; a line's end is between the two.
    """
    text = text[:INDEXED_MAX]
    headings = " ".join(headings_of(text))
    return f" {' '.join(_words(headings))} \n {' '.join(_words(text))} "


def headings_of(text: str) -> list[str]:
    """Return the headings of a text in Markdown, or the title among the keys of a page."""
    return [found[1] for found in islice(_HEADING.finditer(text), HEADINGS_MAX)]


def words_of(question: str) -> list[str]:
    """Return the words of a question as the index has them, each once, in their order.

    A single letter is none beside words: such as that of `l'eau`, or of `Harper's`.
    """
    words = list(dict.fromkeys(_words(question[:INDEXED_MAX], ends=False)))
    long = [word for word in words if len(word) > 1 or word.isdigit() or _CJK_RUN.match(word)]
    return (long or words)[:ASKED_MAX]


def parts_of(word: str) -> list[str]:
    """Return `lk` and `2210` of `lk2210`; a word without digits, or of digits only, is itself."""
    return _PARTS.findall(word)


def begins(word: str) -> bool:
    """Whether words count that only begin with this one: `veste` finds `vestes`."""
    return len(word) >= 4 or (len(word) == 1 and _CJK_RUN.match(word) is not None)


def folded(text: str) -> str:
    """Return the text in lower case and without accents."""
    lower = text.lower().translate(_LIGATURES)
    if lower.isascii():
        return lower
    return unicodedata.normalize("NFC", _SIGNS.sub("", unicodedata.normalize("NFD", lower)))


def _words(text: str, *, ends: bool = True) -> list[str]:
    spaced = _CJK_RUN.sub(lambda run: f" {' '.join(_pairs(run[0], ends=ends))} ", folded(text))
    return _WORD.findall(spaced)


def _pairs(run: str, *, ends: bool) -> list[str]:
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    return [*pairs, run[-1]] if ends or not pairs else pairs
