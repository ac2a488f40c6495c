"""Days and times that are one of any: `If you come on a Monday`, `A leak at midnight?`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from mcp_server.content.checks.figures.derived import ALWAYS_SAID
from mcp_server.content.checks.mentions.mention import Mention

SENTENCE_END = re.compile(r"[.!?](?=\s)|\n\s*\n")
_AROUND = 120
"""Characters of a sentence on both sides that are read."""
_ANY_DAY = re.compile(r"\b(?:an?|einem|einen|eines|un|ein)[ \u00a0]$", re.IGNORECASE)
_IF = re.compile(
    r"\b(?:if|when|whether|say|suppose|wenn|falls|ob|etwa|zum beispiel|z\. ?b|si|quand"
    r"|par exemple|mettons|thinking|fancy|what about|how about|wie wäre|pourquoi pas)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[^.!?\n]{0,120}\?")
_NIGHT = re.compile(
    r"(?:at |um |à )?(?:midnight|noon|midday|mitternacht|mittag|minuit|midi)", re.IGNORECASE
)
_BEGINS = re.compile(
    r"\b(?:until|till|from|open|clos|start|begin|serv|deliver|bis\b|ab\b|öffn|geöffn|offen|schließ"
    r"|beginn|liefer|jusqu|dès|ouv|ferm|commenc|livr)",
    re.IGNORECASE,
)
"""Said of what has its times."""


def is_example(text: str, mention: Mention, said: Collection[str]) -> bool:
    """Whether a day or time is one of any; `said` are the sources."""
    return _is_any_day(text, mention) or _is_any_time(text, mention, said)


def _is_any_day(text: str, mention: Mention) -> bool:
    """Whether a day is one of any: `If you bring it on a Monday, …`."""
    if any(q.dimension not in {"weekday", "closed"} for q in mention.quantities):
        return False
    if _ANY_DAY.search(text, max(0, mention.start - 16), mention.start) is None:
        return False
    after = SENTENCE_END.split(text[mention.end : mention.end + _AROUND])[0]
    return _IF.search(f"{_sentence_before(text, mention)} {after}") is not None


def _is_any_time(text: str, mention: Mention, said: Collection[str]) -> bool:
    """Whether a time is one of any: `A burst pipe at midnight?`.

    It is where nothing opens or closes then, or where a source says that it is at any time.
    """
    if mention.kind != "time":
        return False
    before = _sentence_before(text, mention)
    after = _QUESTION.match(text, mention.end)
    if after is None and _IF.search(before) is None:
        return False
    if any(ALWAYS_SAID.search(each) for each in said):
        return True
    written = text[mention.start : mention.end]
    is_word = _NIGHT.fullmatch(written) is not None or (
        after is not None and not any(letter.isdigit() for letter in written)
    )
    return is_word and _BEGINS.search(f"{before} {after[0] if after else ''}") is None


def _sentence_before(text: str, mention: Mention) -> str:
    return SENTENCE_END.split(text[max(0, mention.start - _AROUND) : mention.start])[-1]
