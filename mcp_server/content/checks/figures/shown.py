"""Small counts that a text or its facts show one by one: `our six loaves`. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from mcp_server.content.checks.mentions.mention import Mention
from mcp_server.content.checks.sources import LISTED_MAX

_BULLET = re.compile(r"^[ \t]{0,8}(?:[-*+]|\d{1,3}[.)])[ \t]")
_ROW = re.compile(r"^[ \t]{0,3}\|(?![ \t]*:?-)")
_ENUMERATION = re.compile(r"[^.!?\n:;]{3,400}")
NEVER_SHOWN = re.compile(
    r"[ -](?:generation|générations|star|sterne|étoile|guest|gäste|client|kund|customer|visitor"
    r"|besucher"
    r"|floor|etage|étage|stock|prize|preise|prix|award|branch"
    r"|filiale|location|standort|room|zimmer|chambre|seat|plätze|places|sitz|bed|bett|couvert"
    r"|table|tisch"
    r"|time|mal|fois|kind|child|enfant)",
    re.IGNORECASE,
)
"""Things that no list of a text or of the facts is likely to be of."""
_AND = re.compile(r"(?:,)? (?:and|und|et|sowie|&) ", re.IGNORECASE)


def small_count(text: str, mention: Mention) -> int | None:
    """Return the number of a few things: the text or the facts may show them one by one."""
    if NEVER_SHOWN.match(text, mention.end):
        return None
    for q in mention.quantities:
        whole = q.figure == int(q.figure)
        if q.dimension in {"count", "ordinal"} and 1 < q.figure <= LISTED_MAX and whole:
            return int(q.figure)
    return None


@lru_cache(maxsize=64)
def shown_counts(text: str) -> frozenset[int]:
    """Return how long the lists, tables and enumerations of a text are."""
    counts: set[int] = set()
    for pattern in (_BULLET, _ROW, re.compile(r"^#{2,6} ")):
        run = 0
        total = 0
        for line in [*text.split("\n"), "end"]:
            if pattern.match(line):
                run += 1
                total += 1
            elif line.strip() and not line.startswith(" "):
                counts |= {run, run - 1} if pattern is _ROW else {run}
                run = 0
        counts.add(total)
    for clause in _ENUMERATION.finditer(text):
        if (length := _length_of(clause[0])) > 1:
            counts.add(length)
    return frozenset(counts)


def _length_of(clause: str) -> int:
    """Return how many things a clause lists: `flour, water and salt` are three."""
    joined = [*_AND.finditer(clause)]
    if not joined:
        return 0
    commas = clause.count(",", 0, joined[-1].start())
    if commas:
        return commas + 2
    return 2 if re.search(r"[A-ZÄÖÜ]\w+ (?:and|und|et|&) [A-ZÄÖÜ]", clause) else 0
