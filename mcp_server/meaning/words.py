"""Texts as an index of words takes them, and questions as it is asked. Pure.

Chinese, Japanese and Korean are written without blanks: a run of their letters is indexed as its
overlapping pairs, as Lucene's CJK analyzer does. (FTS5's own trigrams would miss words of two
letters, which most of theirs are.) All other words are FTS5's own.
"""

from __future__ import annotations

import re

CJK = (
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003134f"
)
_CJK_RUN = re.compile(f"[{CJK}]+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?", re.UNICODE)

INDEXED_MAX = 200_000
"""Characters of a text that are indexed: what is beyond is found by its meaning only."""


def indexed(text: str) -> str:
    """Return the text as it goes into the index."""
    return _CJK_RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text[:INDEXED_MAX])


def words_of(question: str) -> list[str]:
    """Return the words of a question as the index has them, each once, in their order."""
    return list(dict.fromkeys(word.casefold() for word in _WORD.findall(indexed(question))))


def any_of(words: list[str]) -> str:
    """Return the question in FTS5's syntax: a text is found that holds any of the words."""
    return " OR ".join(f'"{word}"' for word in words)


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]
