"""What a text says in figures that stands in none of its sources. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mcp_server.content.checks.known import known_in
from mcp_server.content.checks.mentions import Mention
from mcp_server.content.checks.prepare import figures_of
from mcp_server.content.checks.scan import scan
from mcp_server.content.checks.sources import LISTED_MAX, Sources

_BULLET = re.compile(r"^[ \t]{0,8}(?:[-*+]|\d{1,3}[.)])[ \t]")
_ROW = re.compile(r"^[ \t]{0,3}\|(?![ \t]*:?-)")
_ENUMERATION = re.compile(r"[^.!?\n:;]{3,400}")
_AND = re.compile(r"(?:,)? (?:and|und|et|sowie|&) ", re.IGNORECASE)


def unsaid(prose: str, whole: str, sources: Sources, languages: Sequence[str]) -> Iterator[Mention]:
    """Yield what `prose` says in figures and no source does."""
    known = [known_in(text) for text in sources.said]
    shown: frozenset[int] | None = None
    for mention in scan(figures_of(prose), languages):
        if any(each.says(mention) for each in known):
            continue
        if (count := _small_count(mention)) is not None:
            shown = _shown_counts(whole) if shown is None else shown
            if count in sources.counts or count in shown:
                continue
        yield mention


def _small_count(mention: Mention) -> int | None:
    """Return the number of a few things: the text or the facts may show them one by one."""
    for q in mention.quantities:
        if q.dimension in {"count", "ordinal"} and 1 < q.figure <= LISTED_MAX:
            return int(q.figure)
    return None


def _shown_counts(text: str) -> frozenset[int]:
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
